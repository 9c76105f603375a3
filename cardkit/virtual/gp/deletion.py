"""DELETE: load files, applications, security domains, keys (GPCS 9.5, 11.2)."""

from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, cells, keycells, management, scp11data
from .chip import Answer, Channel, GpChip, PlainCommand, is_issuer, used_elsewhere
from .keysets import KeySet
from .privileges import Privilege
from .registry import Entry, Kind

_DELETE_RIGHT: Final = 0x01  # D9: no deletion
_ALONE, _LAST_KEY_TOO, _WITH_RELATED = 0x00, 0x01, 0x80
_AID, _TEMPLATE, _TOKEN, _KID, _KVN = 0x4F, 0xB6, 0x9E, 0xD0, 0xD2


def delete(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """DELETE.

    :raises StatusWordError: 6A86; 6A80; 6A88 unknown; 6985 referenced, in use, or not this domain's.
    """
    if command.p1 or command.p2 not in (_ALONE, _LAST_KEY_TOO, _WITH_RELATED):
        raise StatusWordError(sw.WRONG_P1P2)
    objects = ber.unique(command.data, frozenset({_AID, _TEMPLATE, _TOKEN, _KID, _KVN}))
    if _AID in objects:
        return _delete_content(chip, channel, entry, command, objects), sw.OK
    if not objects or objects.keys() - {_KID, _KVN}:
        raise StatusWordError(sw.WRONG_DATA)
    _delete_keys(chip, entry, objects, last_too=command.p2 == _LAST_KEY_TOO)
    return b"\x00", sw.OK


def _delete_content(
    chip: GpChip, channel: Channel, domain: Entry, command: PlainCommand, objects: dict[int, bytes]
) -> bytes:
    management.require_working(chip, domain, _DELETE_RIGHT)
    token = objects.get(_TOKEN, b"")
    signed = command.data[: len(command.data) - len(ber.build(_TOKEN, token))] if token else command.data
    target = chip.registry.get(objects[_AID])
    owns = management.controls(chip, domain, target)
    if owns or not domain.has(Privilege.GLOBAL_DELETE):
        management.require_right(chip, domain, management.token_message(command, signed), token)
    if not owns and not domain.has(Privilege.GLOBAL_DELETE):
        raise StatusWordError(sw.CONDITIONS)
    related = [found for found in chip.registry if found.load_file == target.aid]
    if related and command.p2 != _WITH_RELATED:
        raise StatusWordError(sw.CONDITIONS)
    going = [*related, target]
    for found in going:
        _require_free(chip, channel, found, {one.aid for one in going})
    for found in going:
        remove(chip, found)
    return management.confirmation(chip, domain, target.aid)


def _require_free(chip: GpChip, channel: Channel, entry: Entry, going: set[bytes]) -> None:
    """Refuse to delete the issuer security domain, what is selected, and a domain with associations.

    :raises StatusWordError: 6985.
    """
    associated = any(found.domain == entry.aid and found.aid not in going for found in chip.registry)
    if is_issuer(entry) or associated or channel.selected == entry.aid or used_elsewhere(chip, entry.aid, channel):
        raise StatusWordError(sw.CONDITIONS)


def remove(chip: GpChip, entry: Entry) -> None:
    """Take an entry off the card, with its keys, data and what its application has stored."""
    chip.registry.remove(entry)
    if entry.kind is not Kind.LOAD_FILE:
        for kind in (*cells.OF_DOMAIN, cells.APPLICATION):
            for cell in chip.journal.names(cells.folder(kind, entry.aid)):
                chip.journal.put(cell, b"")


def _delete_keys(chip: GpChip, domain: Entry, objects: dict[int, bytes], *, last_too: bool) -> None:
    """Keys by identifier, version number or both.

    :raises StatusWordError: 6A88 none such, 6985 the last set that opens a session.
    """
    kid, kvn = objects.get(_KID), objects.get(_KVN)
    key_cells = chip.keys(domain.aid)
    sets = key_cells.ring().sets
    left: list[KeySet] = []
    found = False
    for one in sets.values():
        going = {key for key in one.keys if kid in (None, bytes((key,))) and kvn in (None, bytes((one.kvn,)))}
        found = found or bool(going)
        left.append(replace(one, keys={key: value for key, value in one.keys.items() if key not in going}))
    if not found:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    allowed = last_too and chip.image.habits.deletes_last_set
    if not allowed and is_issuer(domain) and not any(keycells.opens(one) for one in left):
        raise StatusWordError(sw.CONDITIONS)
    for one in left:
        if one.keys != sets[one.kvn].keys:
            key_cells.put(one) if one.keys else key_cells.remove(one.kvn)
            scp11data.forget_keys(chip, domain.aid, one.kvn, set(sets[one.kvn].keys) - set(one.keys))
