"""CREATE FILE, DELETE FILE, FORMAT ALL, and the life cycle of directories (sheet 2.1, 2.7)."""

from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import dgis, files
from .authentication import record
from .capacity import require_free
from .chip import CipurseChip
from .dgis import NewDirectory
from .files import FD_PXSE, ID_INFO, JOURNAL, MF, SERIAL, Directory, File
from .keyrecords import KeyRecord
from .keys import clear
from .messaging import Command
from .selecting import name, pxse_named_by, registered

_BY_NAME: Final = 0x04
_RESERVED: Final = frozenset({MF, ID_INFO, 0x0000, 0x3FFF, 0xFFFF})
_CONFIRMATION: Final = b"ConfirM"
CONFIRMATION_SIZE: Final = len(_CONFIRMATION)


def create_parameters(p1: int, p2: int) -> bool:
    """P1 is the number of the key that enciphers keys."""
    del p1
    return not p2


def create(chip: CipurseChip, command: Command) -> bytes:
    """CREATE FILE: an elementary file in the current directory, or an ADF or PxSE below the MF.

    :raises StatusWordError: 6985, 6982, 6A80, 6A81, 6A84, 6A86, 6A88, 6A89, 6984, 6986.
    """
    chip.require_active()
    if not (chip.current == MF and _is_virgin(chip)):
        chip.require(chip.directory, chip.image.directories["create"], command)
    wanted = dgis.parse(command.data, chip.image)
    if isinstance(wanted, File):
        if command.p1:
            raise StatusWordError(sw.WRONG_P1P2)
        _create_file(chip, wanted)
    else:
        if command.p1 and chip.image.syntax == 1:
            raise StatusWordError(sw.WRONG_P1P2)
        _create_directory(chip, wanted, command.p1 or wanted.enciphering)
    return b""


def _is_virgin(chip: CipurseChip) -> bool:
    """Are all keys of the MF still transport keys, where that opens a card?"""
    if not chip.image.behaviour.virgin_free:
        return False
    return KeyRecord.values(chip.store.get(files.keys_cell(MF))) == {chip.image.transport_key}


def _create_file(chip: CipurseChip, file: File) -> None:
    directory = chip.directory
    if file.fid in _RESERVED:
        raise StatusWordError(sw.NO_CURRENT_EF)
    if _is_taken(chip, file.fid) or directory.by_sfid(file.sfid) is not None:
        raise StatusWordError(sw.FILE_EXISTS)
    most_files, most_sfids = directory.header[4:6]
    sfids = sum(1 for one in (*directory.files, file) if one.sfid)
    if len(directory.files) >= most_files or sfids > most_sfids:
        raise StatusWordError(sw.NO_MEMORY)
    require_free(chip, chip.image.memory.file + file.size)
    cell = files.directory_cell(chip.current)
    chip.store.put(files.data_cell(chip.current, file.fid), bytes(file.room))
    chip.store.change(cell, lambda old: _with_file(files.directory(old), file).cell())
    chip.journal.commit()
    chip.current_file = file.fid


def _with_file(directory: Directory, file: File) -> Directory:
    return replace(directory, files=(*directory.files, file))


def _is_taken(chip: CipurseChip, fid: int) -> bool:
    """Is a FID in use where a new file is to be found by it?"""
    if fid in chip.store.directory(MF).children or chip.directory.by_fid(fid) is not None:
        return True
    return fid == chip.current


def _create_directory(chip: CipurseChip, wanted: NewDirectory, enciphering: int) -> None:
    """Make an ADF, which is current then, or a PxSE, which is not."""
    made = wanted.directory
    if chip.current != MF:
        raise StatusWordError(sw.NOT_SUPPORTED)
    if made.fid in _RESERVED:
        raise StatusWordError(sw.NO_CURRENT_EF)
    children = [chip.store.directory(fid) for fid in chip.directory.children]
    if _is_taken(chip, made.fid) or name(made) in map(name, children):
        raise StatusWordError(sw.FILE_EXISTS)
    kek = record(chip, enciphering) if enciphering else None
    if kek is not None and not kek.enciphers:
        raise StatusWordError(sw.DATA_INVALIDATED)
    keys = b"".join(
        KeyRecord(key.attributes, key.version, clear(key.value, key.check, kek)).cell() for key in wanted.keys
    )
    _require_place(chip, made, children)
    master = files.directory_cell(MF)
    chip.store.change(master, lambda old: _with_child(files.directory(old), made.fid).cell())
    chip.store.put(files.keys_cell(made.fid), keys)
    chip.store.put(files.directory_cell(made.fid), made.cell())
    chip.journal.commit()
    if made.descriptor_byte != FD_PXSE:
        chip.enter(made.fid)


def _require_place(chip: CipurseChip, made: Directory, children: list[Directory]) -> None:
    """Refuse one directory too many, in the card or in the list of a PxSE.

    :raises StatusWordError: 6A82, 6A84.
    """
    model = chip.image.memory
    alike = sum(1 for child in children if child.descriptor_byte == made.descriptor_byte)
    pxse = pxse_named_by(chip, made.fcp) if made.descriptor_byte != FD_PXSE else None
    is_full = pxse is not None and len(registered(chip, pxse)) >= pxse.header[4]
    most = model.pxses if made.descriptor_byte == FD_PXSE else model.adfs
    if alike >= most or made.keys > model.keys or is_full:
        raise StatusWordError(sw.NO_MEMORY)
    require_free(chip, model.directory + model.key * made.keys)


def _with_child(master: Directory, fid: int) -> Directory:
    return replace(master, children=(*master.children, fid))


def delete_parameters(p1: int, p2: int) -> bool:
    """The current directory or a FID, or an AID."""
    return p1 in (0, _BY_NAME) and not p2


def delete(chip: CipurseChip, command: Command) -> bytes:
    """DELETE FILE: an elementary file of the current directory, that directory itself, or from the MF one below it.

    :raises StatusWordError: 6700, 6A82, 6986, 6982.
    """
    target = _deleted(chip, command)
    if target in (MF, ID_INFO):
        raise StatusWordError(sw.NO_CURRENT_EF)
    chip.require(chip.directory, chip.image.directories["delete"], command)
    if chip.directory.by_fid(target) is not None:
        _delete_file(chip, target)
    else:
        _delete_directory(chip, target)
    return b""


def _deleted(chip: CipurseChip, command: Command) -> int:
    """FID of the file that DELETE FILE means.

    :raises StatusWordError: 6700, 6A82.
    """
    data, directory = command.data, chip.directory
    below = {fid: chip.store.directory(fid) for fid in directory.children} | {chip.current: directory}
    if command.p1 == _BY_NAME:
        found = next((fid for fid, one in below.items() if data and name(one) == data), None)
    elif len(data) not in (0, 2):
        raise StatusWordError(sw.WRONG_LENGTH)
    else:
        fid = int.from_bytes(data, "big") if data else chip.current
        found = fid if fid in below or fid == MF or directory.by_fid(fid) is not None else None
    if found is None:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    return found


def _delete_file(chip: CipurseChip, fid: int) -> None:
    cell = files.directory_cell(chip.current)
    chip.store.change(cell, lambda old: _without_file(files.directory(old), fid).cell())
    chip.store.put(files.data_cell(chip.current, fid), b"")
    chip.journal.commit()
    if chip.current_file == fid:
        chip.current_file = None


def _without_file(directory: Directory, fid: int) -> Directory:
    return replace(directory, files=tuple(file for file in directory.files if file.fid != fid))


def _delete_directory(chip: CipurseChip, fid: int) -> None:
    gone = chip.store.directory(fid)
    chip.store.change(files.directory_cell(MF), lambda old: _without_child(files.directory(old), fid).cell())
    for file in gone.files:
        chip.store.put(files.data_cell(fid, file.fid), b"")
    for cell in (files.directory_cell(fid), files.keys_cell(fid), files.tries_cell(fid)):
        chip.store.put(cell, b"")
    chip.journal.commit()
    if chip.current == fid:
        chip.enter(MF)


def _without_child(master: Directory, fid: int) -> Directory:
    return replace(master, children=tuple(child for child in master.children if child != fid))


def activate(chip: CipurseChip, command: Command) -> bytes:
    """ACTIVATE FILE: the current directory.

    :raises StatusWordError: 6986 for the MF, 6982.
    """
    return _set_active(chip, command, "activate", active=True)


def deactivate(chip: CipurseChip, command: Command) -> bytes:
    """DEACTIVATE FILE: the current directory.

    :raises StatusWordError: 6986 for the MF, 6982.
    """
    return _set_active(chip, command, "deactivate", active=False)


def _set_active(chip: CipurseChip, command: Command, operation: str, *, active: bool) -> bytes:
    if chip.current == MF:
        raise StatusWordError(sw.NO_CURRENT_EF)
    chip.require(chip.directory, chip.image.directories[operation], command)
    cell = files.directory_cell(chip.current)
    chip.store.change(cell, lambda old: replace(files.directory(old), active=active).cell())
    return b""


def format_all(chip: CipurseChip, command: Command) -> bytes:
    """FORMAT ALL: the chip is blank again, whatever was on it.

    :raises StatusWordError: 6985 outside the MF, 6982, 6A80.
    """
    if chip.current != MF:
        raise StatusWordError(sw.CONDITIONS)
    if not _is_virgin(chip):
        chip.require(chip.directory, chip.image.directories["format_all"], command)
    if command.data != _CONFIRMATION:
        raise StatusWordError(sw.WRONG_DATA)
    for cell in chip.memory.cells:
        if cell not in (SERIAL, JOURNAL):
            chip.store.put(cell, chip.image.cells.get(cell, b""))
    chip.journal.commit()
    chip.enter(MF)
    return b""
