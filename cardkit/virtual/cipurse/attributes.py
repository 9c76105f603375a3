"""READ and UPDATE FILE ATTRIBUTES (sheet 2.3)."""

from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import StatusWordError
from ..gp import ber
from . import files
from .capacity import free
from .chip import CipurseChip
from .files import MF, Directory, File
from .keyrecords import KeyRecord
from .messaging import Command
from .rules import SMR_SIZE, Rules, rules

_FCP, _SECURITY = 0x62, 0x86
_MEMORY_SIZE: Final = 3


def read(chip: CipurseChip, command: Command) -> bytes:
    """READ FILE ATTRIBUTES of the current file, else of the current directory; also of a deactivated one.

    :raises StatusWordError: 6700, 6982.
    """
    room = command.room
    file = chip.selected_file()
    if file is not None:
        chip.require(file, chip.image.files["read_attributes"], command)
        return file.string()[:room]
    directory = chip.directory
    chip.require(directory, chip.image.directories["read_attributes"], command)
    shown = string(chip, directory)
    if directory.fid == MF:
        sizes = (chip.image.memory.total, free(chip))
        shown += b"".join(size.to_bytes(_MEMORY_SIZE, "big") for size in sizes)
    return shown[:room]


def string(chip: CipurseChip, directory: Directory) -> bytes:
    """The attributes of a directory: header, rules, what may be known of its keys, FCP."""
    parts = [directory.header]
    if directory.rules is not None:
        cell = chip.store.get(files.keys_cell(directory.fid))
        parts += (directory.rules.smr, directory.rules.art)
        parts += (KeyRecord.of(cell, number).shown() for number in range(1, directory.keys + 1))
    return b"".join(parts) + tlv.build(_FCP, directory.fcp)


def update(chip: CipurseChip, command: Command) -> bytes:
    """UPDATE FILE ATTRIBUTES: the rules, and for a directory tag 86.

    :raises StatusWordError: 6981 for a directory without keys, 6985, 6982, 6A80, 6581.
    """
    file = chip.selected_file()
    if file is None and chip.directory.rules is None:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    chip.require_active()
    owner, groups = (chip.directory, chip.image.directories) if file is None else (file, chip.image.files)
    chip.require(owner, groups["update_attributes"], command)
    keys = _number_of_keys(chip, file, command.data)
    counted = chip.image.syntax > 1
    size = counted + SMR_SIZE + 1 + keys
    wanted, rest = _split(command.data[counted:size]), command.data[size:]
    if wanted.keys != keys:
        raise StatusWordError(sw.WRONG_DATA)
    security = _security(rest, file)
    cell = files.directory_cell(chip.home)
    chip.change(cell, lambda value: _changed(files.directory(value), file, wanted, security).cell())
    return b""


def _number_of_keys(chip: CipurseChip, file: File | None, data: bytes) -> int:
    """For how many keys the new rules speak: from V2 on the first byte says so.

    :raises StatusWordError: 6A80 when a directory has another number of them.
    """
    if chip.image.syntax > 1:
        if file is None and data[0] != chip.directory.keys:
            raise StatusWordError(sw.WRONG_DATA)
        return data[0]
    if file is not None and file.rules is not None:
        return file.rules.keys
    return chip.directory.keys


def _split(string: bytes) -> Rules:
    return rules(string[:SMR_SIZE], string[SMR_SIZE:])


def _security(rest: bytes, file: File | None) -> bytes | None:
    """The value of tag 86 behind the rules; None when it does not come.

    :raises StatusWordError: 6A80 on anything else, or when a file has none.
    """
    if not rest:
        return None
    found = ber.parse(rest)
    if file is not None or [tag for tag, _ in found] != [_SECURITY]:
        raise StatusWordError(sw.WRONG_DATA)
    return found[0][1]


def _changed(directory: Directory, file: File | None, wanted: Rules, security: bytes | None) -> Directory:
    if file is not None:
        return directory.changed(replace(file, rules=wanted))
    if security is None:
        return replace(directory, rules=wanted)
    objects = ber.parse(directory.fcp)
    tags = [tag for tag, _ in objects]
    if _SECURITY not in tags:
        objects.append((_SECURITY, security))
    fcp = b"".join(tlv.build(tag, security if tag == _SECURITY else value) for tag, value in objects)
    return replace(directory, rules=wanted, fcp=fcp)
