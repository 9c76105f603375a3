"""UPDATE KEY and UPDATE KEY ATTRIBUTES (sheet 2.1, 2.3)."""

from dataclasses import replace
from hmac import compare_digest
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import crypto, files
from .authentication import forget_tries, record
from .chip import CipurseChip
from .keyrecords import ALGORITHM, KeyRecord
from .messaging import Command

UPDATE_SIZE: Final = 22  # version, algorithm, key, KVV


def update_parameters(p1: int, p2: int) -> bool:
    """Key numbers are judged when the keys are known."""
    del p1, p2
    return True


def update(chip: CipurseChip, command: Command) -> bytes:
    """UPDATE KEY, enciphered by the key that P1 names, if any.

    :raises StatusWordError: 6A88, 6985, 6982, 6984, 6A80, 6581.
    """
    old = record(chip, command.p2)
    enciphering = record(chip, command.p1) if command.p1 else None
    _permit(chip, command, old, "update_key")
    if enciphering is not None and not enciphering.enciphers:
        raise StatusWordError(sw.DATA_INVALIDATED)
    version, algorithm, key, check = command.data[0], command.data[1:3], command.data[3:19], command.data[19:]
    if algorithm != ALGORITHM:
        raise StatusWordError(sw.WRONG_DATA)
    _store(chip, command.p2, KeyRecord(old.attributes, version, clear(key, check, enciphering)))
    forget_tries(chip, command.p2)
    return b""


def update_attributes(chip: CipurseChip, command: Command) -> bytes:
    """UPDATE KEY ATTRIBUTES.

    :raises StatusWordError: 6A88, 6985, 6982, 6581.
    """
    old = record(chip, command.p2)
    _permit(chip, command, old, "update_key_attributes")
    _store(chip, command.p2, replace(old, attributes=command.data[0]))
    return b""


def clear(key: bytes, check: bytes, enciphering: KeyRecord | None) -> bytes:
    """A key that came in a command.

    :param check: its KVV, always that of the key in clear.
    :raises StatusWordError: 6A80 when they do not belong together.
    """
    made = key if enciphering is None else crypto.decrypt(enciphering.key, key)
    if not compare_digest(crypto.kvv(made), check):
        raise StatusWordError(sw.WRONG_DATA)
    return made


def _permit(chip: CipurseChip, command: Command, key: KeyRecord, operation: str) -> None:
    """Refuse whoever may not change a key, and changes of one that never changes again."""
    chip.require_active()
    chip.require(chip.directory, chip.image.directories[operation], command)
    session = chip.session.number if chip.session is not None and command.secured else 0
    if key.frozen or (key.self_only and session != command.p2):
        raise StatusWordError(sw.SECURITY_STATUS)


def _store(chip: CipurseChip, number: int, key: KeyRecord) -> None:
    start = KeyRecord.SIZE * (number - 1)
    cell = files.keys_cell(chip.current)
    chip.change(cell, lambda keys: keys[:start] + key.cell() + keys[start + KeyRecord.SIZE :])
