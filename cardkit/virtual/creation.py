"""CREATE FILE and RESIZE FILE (ETSI TS 102 222 6.3, 6.10)."""

from typing import Final

from . import bertlv, fcp, tlv
from . import statuswords as sw
from .access import ADMINISTRATION, CREATE_DF, CREATE_EF, DELETE
from .chip import Answer, Chip, Command
from .errors import ImageError, StatusWordError
from .files import ACTIVATED, File, Kind

_TEMPLATE: Final = 0x62
_DESCRIPTOR, _FID, _NAME, _SIZE, _TOTAL_SIZE, _LIFE_CYCLE, _PINS = 0x82, 0x83, 0x84, 0x80, 0x81, 0x8A, 0xC6
_SECURITY: Final = frozenset({0x8B, 0x8C, 0xAB})
_DATA_CODING: Final = 0x21
_STATES: Final = frozenset({0x01, 0x03, 0x04, 0x05, 0x06, 0x07})
_MF: Final = 0x3F00
_MOST_RECORDS: Final = 254
_RESIZE_INS: Final = 0xD4
_OVERHEAD: Final = 32  # bytes of memory a file takes besides its body

Parts = dict[int, bytes]


def create(chip: Chip, command: Command) -> Answer:
    """CREATE FILE below the current directory, or the MF of a chip without one; the new file becomes current.

    :raises StatusWordError: 6A80 template, 6982, 6A89 FID taken, 6A8A DF name taken, 6A84 memory.
    """
    parts = _parts(command.data)
    directory = command.channel.df
    parent = directory if chip.tree.exists(directory) else None
    file = _described(command.data, parts, parent)
    _may_create(chip, command, parent, file)
    _need_free_place(chip, parent, file)
    need_memory(chip, file.size + _OVERHEAD)
    template = _answered(parts, file)
    if file.kind is Kind.BER_TLV:
        file.fill = b"\xff"
    made = chip.tree.create(file.path, template, file.filling(file.size), _life_cycle(parts))
    chip.refresh_channels()
    chip.refresh_rules()
    command.channel.select(made)
    return b"", sw.OK


def resize(chip: Chip, command: Command) -> Answer:
    """RESIZE FILE: an EF of the current directory; what stays inside the new size keeps its contents.

    :raises StatusWordError: 6A80 template or size, 6A82, 6981 structure, 6982, 6984, 6985, 6A84 memory.
    """
    parts = _parts(command.data)
    if len(parts.get(_FID, b"")) != 2 or not 1 <= len(parts.get(_SIZE, b"")) <= 2:
        raise StatusWordError(sw.WRONG_DATA)
    file = chip.child(command.channel.df, int.from_bytes(parts[_FID], "big"))
    if file is None:
        raise StatusWordError(sw.FILE_NOT_FOUND)
    if file.is_df or file.cyclic:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    chip.usable(file)
    chip.require(chip.rules[file].instruction(_RESIZE_INS), command.channel)
    size = int.from_bytes(parts[_SIZE], "big")
    _need_records(file, size)
    before = chip.memory.cells[file.cell]
    need_memory(chip, size - len(before))
    if file.kind is Kind.BER_TLV and bertlv.used(before) > size:
        raise StatusWordError(sw.NO_MEMORY)
    chip.tree.resize(file, before[:size] + file.filling(size)[len(before) :])
    chip.refresh_channels()
    chip.refresh_rules()
    return b"", sw.OK


def need_memory(chip: Chip, more: int) -> None:
    """Refuse what does not fit.

    :param more: bytes needed beyond what the files take now.
    :raises StatusWordError: 6A84.
    """
    used = sum(file.size + _OVERHEAD for _, file in chip.tree.present())
    delivered = sum(file.size + _OVERHEAD for file in chip.image.files.values())
    if used + more > delivered + chip.image.nvm:
        raise StatusWordError(sw.NO_MEMORY)


def _parts(data: bytes) -> Parts:
    """The tags of one template 62.

    :raises StatusWordError: 6A80.
    """
    try:
        ((tag, value),) = tlv.parse(data)
        found = list(tlv.parse(value))
    except (ImageError, ValueError):
        raise StatusWordError(sw.WRONG_DATA) from None
    parts = dict(found)
    if tag != _TEMPLATE or len(parts) != len(found):
        raise StatusWordError(sw.WRONG_DATA)
    return parts


def _described(template: bytes, parts: Parts, parent: File | None) -> File:
    """The file a template describes.

    :raises StatusWordError: 6A80.
    """
    fid = parts.get(_FID, b"")
    path = f"{parent.path}/{fid.hex().upper()}" if parent is not None else fid.hex().upper()
    try:
        file = fcp.read(template, path, parent)
    except (ImageError, KeyError, ValueError, IndexError):
        raise StatusWordError(sw.WRONG_DATA) from None
    descriptor = parts[_DESCRIPTOR]
    needed = {_TOTAL_SIZE, _PINS} if file.is_df else {_SIZE}
    complete = needed <= parts.keys() and len(parts.keys() & _SECURITY) == 1
    if len(fid) != 2 or not complete or len(descriptor) < 2 or descriptor[1] != _DATA_CODING:
        raise StatusWordError(sw.WRONG_DATA)
    if len(parts.get(_LIFE_CYCLE, b"")) != 1 or parts[_LIFE_CYCLE][0] not in _STATES:
        raise StatusWordError(sw.WRONG_DATA)
    _need_shape(file, parts)
    return file


def _need_shape(file: File, parts: Parts) -> None:
    """Descriptor, size, SFI and DF name agree with the structure.

    :raises StatusWordError: 6A80.
    """
    descriptor, name = parts[_DESCRIPTOR], parts.get(_NAME)
    if file.is_df:
        good = len(descriptor) == 2 and (name is None or 5 <= len(name) <= 16)
    else:
        records = file.kind in (Kind.LINEAR, Kind.CYCLIC)
        good = name is None and len(descriptor) in ((4, 5) if records else (2,)) and bool(file.size)
        good = good and bool(file.record_length) == records and len(parts[_SIZE]) <= 2
        good = good and (len(descriptor) < 5 or descriptor[4] == file.records)
        good = good and (file.sfi is None or 1 <= file.sfi <= 30)
    if not good:
        raise StatusWordError(sw.WRONG_DATA)
    if not file.is_df:
        _need_records(file, file.size)


def _need_records(file: File, size: int) -> None:
    """:raises StatusWordError: 6A80 when a size is no whole number of records, or too many."""
    length = file.record_length
    if not size or length > 255 or (length and (size % length or size // length > _MOST_RECORDS)):
        raise StatusWordError(sw.WRONG_DATA)


def _may_create(chip: Chip, command: Command, parent: File | None, file: File) -> None:
    """:raises StatusWordError: 6982; 6985 below a directory that is terminated."""
    if parent is None:
        chip.require(ADMINISTRATION.mode(DELETE), command.channel)
        return
    chip.usable(parent)
    chip.require(chip.rules[parent].mode(CREATE_DF if file.is_df else CREATE_EF), command.channel)


def _need_free_place(chip: Chip, parent: File | None, file: File) -> None:
    """:raises StatusWordError: 6A80 an MF elsewhere, or an SFI taken; 6A89, 6A8A."""
    if (parent is None) != (file.fid == _MF):
        raise StatusWordError(sw.FILE_EXISTS if file.fid == _MF else sw.WRONG_DATA)
    if parent is None:
        return
    above = parent.parent
    if chip.child(parent, file.fid) is not None or file.fid in (parent.fid, above.fid if above else 0):
        raise StatusWordError(sw.FILE_EXISTS)
    if file.aid and any(found.aid == file.aid for _, found in chip.tree.present()):
        raise StatusWordError(sw.NAME_EXISTS)
    beside = parent.by_sfi.get(file.sfi) if file.sfi is not None else None
    if beside is not None and chip.tree.exists(beside):
        raise StatusWordError(sw.WRONG_DATA)


def _life_cycle(parts: Parts) -> bytes:
    """As the template says; 06 and 07 are other codes of 04 and 05."""
    state = parts[_LIFE_CYCLE][0]
    return bytes((state & ~0x02,)) if state > ACTIVATED[0] else parts[_LIFE_CYCLE]


def _answered(parts: Parts, file: File) -> bytes:
    """The template as SELECT will answer it: with the number of records, and short sizes in two bytes."""
    shown = dict(parts)
    shown[_DESCRIPTOR] = fcp.descriptor(file, parts[_DESCRIPTOR][0])
    if not file.is_df:
        shown[_SIZE] = file.size.to_bytes(2, "big")
    return tlv.build(_TEMPLATE, b"".join(tlv.build(tag, value) for tag, value in shown.items()))
