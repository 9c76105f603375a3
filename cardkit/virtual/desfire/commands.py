"""The table of native commands: one line each (sheet 3.3)."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from . import (
    access,
    applications,
    changekey,
    committing,
    configuration,
    datafiles,
    delegated,
    filecreation,
    filesettings,
    identity,
    proximity,
    records,
    sdm,
    tmac,
    values,
)
from .call import Call, Level, Spec
from .state import State
from .statuses import SIGNATURE

_PICC, _APP = Level.PICC, Level.APPLICATION
_LONGEST: Final = 1 << 24
_AIDS: Final = 57  # data bytes of a frame with AIDs


def _none() -> range:
    return range(1)


def _exactly(size: int) -> range:
    return range(size, size + 1)


def _one(state: State, call: Call) -> int:
    del state, call
    return 1


def _four(state: State, call: Call) -> int:
    del state, call
    return 4


def _sixteen(state: State, call: Call) -> int:
    del state, call
    return 16


def _tmac_key(state: State, call: Call) -> int:
    del state, call
    return 17


_READ_DATA = Spec(datafiles.read_data, access.reading, _exactly(7), 7, least=7, level=_APP)
_WRITE_DATA = Spec(
    datafiles.write_data, access.writing, range(8, _LONGEST), 7, least=7, level=_APP,
    payload=datafiles.write_length, chained=True,
)  # fmt: skip
_READ_RECORDS = Spec(records.read_records, access.reading_records, _exactly(7), 7, least=7, level=_APP)
_WRITE_RECORD = Spec(
    records.write_record, access.writing_records, range(8, _LONGEST), 7, least=7, level=_APP,
    payload=records.write_length, chained=True,
)  # fmt: skip
_UPDATE_RECORD = Spec(
    records.update_record, access.updating_records, range(11, _LONGEST), 10, least=10, level=_APP,
    payload=records.update_length, chained=True, since=1,
)  # fmt: skip

COMMANDS: Final[Mapping[int, Spec]] = MappingProxyType({
    0x5A: Spec(applications.select_application, access.plain, _exactly(3), outside=True),
    0xCA: Spec(applications.create_application, access.creating, range(5, 29), least=5, level=_PICC),
    0xDA: Spec(applications.delete_application, access.deleting_application, _exactly(3), least=3),
    0x6A: Spec(applications.get_application_ids, access.listing, _none(), level=_PICC, frame=_AIDS),
    0x6D: Spec(applications.get_df_names, access.listing, _none(), level=_PICC, since=1),
    0x45: Spec(applications.get_key_settings, access.listing, _none()),
    0x54: Spec(applications.change_key_settings, access.key_settings, _exactly(1), 0, payload=_one),
    0x64: Spec(changekey.get_key_version, access.anybody, _exactly(1), least=1),
    0xC4: Spec(
        changekey.change_key, changekey.changing, range(17, 40), 1, least=1,
        payload=changekey.payload, trailer=changekey.trailer,
    ),
    0xC6: Spec(
        changekey.change_key, changekey.changing, range(18, 41), 2, least=2, level=_APP, since=2,
        payload=changekey.payload, trailer=changekey.trailer,
    ),
    0x56: Spec(changekey.initialize_key_set, access.master, _exactly(2), level=_APP, since=2),
    0x57: Spec(changekey.finalize_key_set, access.master, _exactly(2), level=_APP, since=2),
    0x55: Spec(changekey.roll_key_set, access.master, _exactly(1), level=_APP, since=2),
    0x5C: Spec(
        configuration.set_configuration, configuration.configuring, range(2, 60), 1, least=1, since=1,
        measure=configuration.measure,
    ),
    0x60: Spec(identity.get_version, access.anybody, _none()),
    0x6E: Spec(identity.get_free_memory, access.anybody, _none(), since=1),
    0x51: Spec(identity.get_card_uid, access.somebody, _none(), since=1),
    0x3C: Spec(identity.read_signature, identity.signing, _exactly(1), 1, since=1, status=SIGNATURE, outside=True),
    0xFC: Spec(applications.format_picc, access.master, _none(), level=_PICC),
    0xCD: Spec(filecreation.create_standard, access.creating, range(7, 10), least=7, level=_APP),
    0xCB: Spec(filecreation.create_backup, access.creating, range(7, 10), least=7, level=_APP),
    0xCC: Spec(filecreation.create_value, access.creating, _exactly(17), least=17, level=_APP),
    0xC1: Spec(filecreation.create_linear, access.creating, range(10, 13), least=10, level=_APP),
    0xC0: Spec(filecreation.create_cyclic, access.creating, range(10, 13), least=10, level=_APP),
    0xCE: Spec(
        filecreation.create_transaction_mac, access.creating_full, _exactly(22), 5, least=5, level=_APP, since=2,
        payload=_tmac_key,
    ),
    0xDF: Spec(filecreation.delete_file, access.deleting_file, _exactly(1), least=1, level=_APP),
    0x6F: Spec(filecreation.get_file_ids, access.listing, _none(), level=_APP),
    0x61: Spec(filecreation.get_iso_file_ids, access.listing, _none(), level=_APP, since=1),
    0xF5: Spec(filesettings.get_file_settings, access.listing_file, _exactly(1), least=1, level=_APP),
    0x5F: Spec(
        filesettings.change_file_settings, access.changing_settings, range(4, 60), 1, least=1, level=_APP,
        measure=filesettings.measure,
    ),
    0xBD: _READ_DATA,
    0x3D: _WRITE_DATA,
    0xBB: _READ_RECORDS,
    0x3B: _WRITE_RECORD,
    0xDB: _UPDATE_RECORD,
    0x6C: Spec(values.get_value, access.valuing, _exactly(1), 1, least=1, level=_APP),
    0x0C: Spec(values.credit, access.crediting, _exactly(5), 1, least=1, level=_APP, payload=_four),
    0xDC: Spec(values.debit, access.debiting, _exactly(5), 1, least=1, level=_APP, payload=_four),
    0x1C: Spec(values.limited_credit, access.refunding, _exactly(5), 1, least=1, level=_APP, payload=_four),
    0xEB: Spec(records.clear_record_file, access.clearing, _exactly(1), least=1, level=_APP),
    0xC7: Spec(committing.commit, access.anybody, range(2), level=_APP),
    0xA7: Spec(committing.abort, access.anybody, _none(), level=_APP),
    0xC8: Spec(
        tmac.commit_reader_id, tmac.committing_reader, _exactly(16), 0, level=_APP, since=2, payload=_sixteen,
    ),
    0xC9: Spec(
        delegated.create_delegated_application, delegated.delegating, range(50, 80), 0, least=10, level=_PICC, since=2,
        payload=delegated.payload, chained=True,
    ),
    0x69: Spec(delegated.get_delegated_info, access.anybody, _exactly(2), level=_PICC, since=2),
    0xF0: Spec(proximity.prepare, access.plain, _none(), since=2, outside=True),
    0xF2: Spec(proximity.proximity_check, access.plain, range(2, 10), since=2, outside=True),
    0xFD: Spec(proximity.verify, access.plain, _exactly(8), since=2, outside=True),
    0xF6: Spec(sdm.get_file_counters, sdm.reading_counter, _exactly(1), 1, least=1, level=_APP, since=2),
    0xAD: replace(_READ_DATA, since=2),
    0x8D: replace(_WRITE_DATA, since=2),
    0xAB: replace(_READ_RECORDS, since=2),
    0x8B: replace(_WRITE_RECORD, since=2),
    0xBA: replace(_UPDATE_RECORD, since=2),
})  # fmt: skip

AUTHENTICATIONS: Final = MappingProxyType({0x0A: 0, 0x1A: 1, 0xAA: 1, 0x71: 2, 0x77: 2})  # generation they begin with
