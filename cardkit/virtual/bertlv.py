"""RETRIEVE DATA and SET DATA on BER-TLV structured EFs (ETSI TS 102 221 11.3).

A body is the objects one after the other, then FF to the size of the file; FF is the tag of no object. An object longer
than a command or an answer goes in blocks, and is stored when its last block has come.
"""

from collections.abc import Iterator
from typing import Final

from . import statuswords as sw
from .chip import FULL_SHORT, Answer, Chip, Command, Transfer
from .errors import StatusWordError
from .files import File, Kind

_FIRST: Final = 0x80
_TAG_LIST: Final = b"\x5c"
_UNUSED: Final = b"\xff"
_MOST_TAG_BYTES: Final = 3
_LONG_FORMS: Final = {0x81: 1, 0x82: 2, 0x83: 3}


def valid_block(p1: int, p2: int) -> bool:
    """P1 00; P2 80 first block, 00 next, with an SFI in b5-b1."""
    return p1 == 0 and p2 & 0x60 == 0 and p2 & 0x1F != 0x1F


def retrieve(chip: Chip, command: Command) -> Answer:
    """RETRIEVE DATA: the object of a tag, or with tag 5C the list of all tags; 62F1 while more is to come.

    :raises StatusWordError: 6A88 no such object, 6985 next block without a first, 6A80 no tag.
    """
    file = _file(chip, command)
    chip.readable(file)
    chip.require(chip.rules[file].read, command.channel)
    running, command.channel.transfer = command.channel.transfer, None
    if command.p2 & _FIRST:
        rest = _found(chip, file, command.data)
    elif running is None or not running.retrieved or running.file is not file or command.data:
        raise StatusWordError(sw.CONDITIONS)
    else:
        rest = running.data
    block = command.ne or FULL_SHORT
    if len(rest) <= block:
        return rest, sw.OK
    command.channel.transfer = Transfer(file, retrieved=True, data=rest[block:])
    return rest[:block], sw.MORE_TO_RETRIEVE


def set_data(chip: Chip, command: Command) -> Answer:
    """SET DATA: an object in place of the one with its tag; a tag alone deletes; 63F1 while more is expected.

    :raises StatusWordError: 6A80 no object, 6A84 too long, 6A88 nothing to delete, 6985 next block without a first.
    """
    file = _file(chip, command)
    chip.usable(file)
    chip.require(chip.rules[file].update, command.channel)
    running, command.channel.transfer = command.channel.transfer, None
    whole = command.data
    if not command.p2 & _FIRST:
        if running is None or running.retrieved or running.file is not file:
            raise StatusWordError(sw.CONDITIONS)
        whole = running.data + whole
    tag = _tag(whole)
    if command.p2 & _FIRST and whole == tag:
        _store(chip, file, tag, b"")
        return b"", sw.OK
    size = _size(whole, len(tag))
    if size is None or len(whole) < size <= file.size:
        command.channel.transfer = Transfer(file, retrieved=False, data=whole)
        return b"", sw.MORE_TO_SET
    if size > file.size:
        raise StatusWordError(sw.NO_MEMORY)
    if len(whole) > size:
        raise StatusWordError(sw.WRONG_DATA)
    _store(chip, file, tag, whole)
    return b"", sw.OK


def _file(chip: Chip, command: Command) -> File:
    sfi = command.p2 & 0x1F
    file = command.channel.ef
    if sfi:
        transfer = command.channel.transfer
        file = chip.short(command.channel, sfi)
        command.channel.transfer = transfer
    if file is None:
        raise StatusWordError(sw.NO_CURRENT_EF)
    if file.kind is not Kind.BER_TLV:
        raise StatusWordError(sw.WRONG_STRUCTURE)
    return file


def _found(chip: Chip, file: File, tag: bytes) -> bytes:
    if not tag or _tag(tag) != tag:
        raise StatusWordError(sw.WRONG_DATA)
    objects = dict(_objects(chip.memory.cells[file.cell]))
    if tag == _TAG_LIST:
        tags = b"".join(objects)
        return _TAG_LIST + _length(len(tags)) + tags
    if tag not in objects:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    return objects[tag]


def _store(chip: Chip, file: File, tag: bytes, whole: bytes) -> None:
    """Put an object in the place of the one with its tag; an empty one takes that away."""
    objects = dict(_objects(chip.memory.cells[file.cell]))
    if not whole and tag not in objects:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    objects[tag] = whole
    body = b"".join(objects.values())
    if len(body) > file.size:
        raise StatusWordError(sw.NO_MEMORY)
    chip.memory.write(file.cell, body.ljust(file.size, _UNUSED))


def used(body: bytes) -> int:
    """Bytes of a body that its objects take."""
    return sum(len(whole) for _, whole in _objects(body))


def _objects(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Tag and whole object, one after the other, as far as they are whole."""
    at = 0
    while body[at : at + 1] not in (b"", _UNUSED):
        tag = _tag(body[at:])
        size = _size(body[at:], len(tag))
        if size is None or at + size > len(body):
            return
        yield tag, body[at : at + size]
        at += size


def _tag(data: bytes) -> bytes:
    """The tag in front.

    :raises StatusWordError: 6A80 for 00, FF, or more than three bytes.
    """
    size = 1
    if data[:1] and data[0] & 0x1F == 0x1F:
        size = 2
        while size < len(data) and data[size - 1] & 0x80:
            size += 1
    if data[:1] in (b"", b"\x00", _UNUSED) or size > min(_MOST_TAG_BYTES, len(data)):
        raise StatusWordError(sw.WRONG_DATA)
    return data[:size]


def _size(data: bytes, tag_size: int) -> int | None:
    """Bytes of the whole object in front, None when its length field is not there yet.

    :raises StatusWordError: 6A80 for a length form that is none.
    """
    if len(data) <= tag_size:
        return None
    first = data[tag_size]
    if first < 0x80:
        return tag_size + 1 + first
    extra = _LONG_FORMS.get(first)
    if extra is None:
        raise StatusWordError(sw.WRONG_DATA)
    start = tag_size + 1 + extra
    return start + int.from_bytes(data[tag_size + 1 : start], "big") if len(data) >= start else None


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes((size,))
    return bytes((0x81, size)) if size < 0x100 else b"\x82" + size.to_bytes(2, "big")
