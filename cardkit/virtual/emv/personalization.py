"""The last block: is everything there, and does it belong together? (EMV CPS 2.0, 4.3.5; sheet payment.md 13)

6A86 when something required is missing, 6A80 when what came does not belong together; nothing is closed then.
"""

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import crypto
from . import dgis, dol, objects, versions
from .data import CONTACTLESS, ICC_KEY, INTERNAL, PIN_KEY, CardData, KeyGroupings, records_of

_DDA, _CDA = 0x20, 0x01  # AIP byte 1
_CDOL1, _CDOL2, _LOG_ENTRY, _TTQ = 0x8C, 0x8D, 0x9F4D, 0x9F66
_LOG_ENTRY_SIZE = 2  # SFI and number of records


def check(data: CardData) -> None:
    """Refuse to end the personalization of a payment application that is not whole.

    :raises StatusWordError: 6A86, 6A80.
    """
    _require(data.dgi(dgis.FCI) or data.dgi(dgis.FCI_CONTACTLESS))
    _require(data.dgi(dgis.GPO) or data.dgi(dgis.GPO_CONTACTLESS))
    _require(data.dgi(dgis.KEYS) and data.dgi(dgis.CHECK_VALUES))
    _require(data.parameter(INTERNAL, 0x9F10))
    _require(data.get("tries") or not data.get("pin"))
    _check_algorithm(data)
    for tag in (dgis.GPO, dgis.GPO_CONTACTLESS):
        if data.dgi(tag):
            _check_interface(data, contactless=tag == dgis.GPO_CONTACTLESS)
    _check_key(data, PIN_KEY, required=False)
    log = objects.find(data.fci(contactless=False), _LOG_ENTRY)
    _require(not log or data.dgi(dgis.LOG_FORMAT))
    if log and len(log) != _LOG_ENTRY_SIZE:
        raise dgis.refuse()


def _require(condition: object) -> None:
    if not condition:
        raise StatusWordError(sw.WRONG_P1P2)


def _check_algorithm(data: CardData) -> None:
    """Keys are for the cryptogram version: AES for the one that has it, triple DES for all others."""
    aes = versions.of(data.parameter(INTERNAL, 0x9F10)).aes
    if not dgis.has_check_values(data, crypto.KEY_AES if aes else crypto.KEY_DES):
        raise dgis.refuse()


def _check_interface(data: CardData, *, contactless: bool) -> None:
    """Records and the key that the AIP and AFL of one interface promise."""
    found = data.options(contactless=contactless)
    one_step = contactless and is_one_step(data)
    afl = found.get(0x94, b"")
    _require(afl or one_step)
    if afl:
        _require(all(data.record(sfi, number) for sfi, number in records_of(afl)))
    if one_step:
        _require(data.names(CONTACTLESS))
    else:
        _require(data.in_records(afl, _CDOL1) and data.in_records(afl, _CDOL2))
    _check_key(data, ICC_KEY, required=bool(found[0x82][0] & (_DDA | _CDA)))


def is_one_step(data: CardData) -> bool:
    """Does the contactless GET PROCESSING OPTIONS make the cryptogram? Its list asks for the reader's qualifiers."""
    return bool(data.dgi(dgis.GPO_CONTACTLESS)) and any(
        tag == _TTQ for tag, _ in dol.parse(data.pdol(contactless=True))
    )


def _check_key(data: CardData, groupings: KeyGroupings, *, required: bool) -> None:
    """All components of a key that belong together or, unless it is needed, none."""
    components = [data.dgi(tag) for tag in (*groupings.crt, *groupings.plain)]
    found = data.rsa_key(groupings)
    _require(found is not None or not (required or any(components)))
