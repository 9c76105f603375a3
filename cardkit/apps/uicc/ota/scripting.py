"""Commands as a script for the card, and what the card answers to it (ETSI TS 102 226 5).

Clauses below the chapter, and the values of a bad format, are from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.uicc.client import is_done
from cardkit.crypto import Secret
from cardkit.encoding import tlv
from cardkit.encoding.length import shortest_size, write_length
from cardkit.errors import EncodingError

Content = bytes | tuple[bytes | Secret, ...]
"""A script, or its parts where some are secret."""

_DEFINITE, _INDEFINITE, _COMMAND = 0xAA, 0xAE, 0x22
_ANSWER_DEFINITE, _ANSWER_INDEFINITE = 0xAB, 0xAF
_COUNT, _RESPONSE, _BAD_FORMAT = 0x80, 0x23, 0x90
_UNKNOWN_LENGTH = 0x80
_END = bytes(2)
_HEADER = 4
_DATA_WAITING = 0x61
_BAD_FORMATS = {1: "unknown tag", 2: "wrong length", 3: "length missing"}


class Coding(StrEnum):
    """How a script is written: commands back to back, or each in an object, with the whole length or an end mark."""

    COMPACT = "compact"
    EXPANDED = "expanded"
    INDEFINITE = "indefinite"


def script(commands: Sequence[CommandAPDU], coding: Coding = Coding.COMPACT) -> Content:
    """Return commands as a script; parts of commands with secrets stay secret.

    :raises EncodingError: on a command with extended lengths, which no script carries.

    >>> script([CommandAPDU.parse(bytes.fromhex("00A40004023F00"))], Coding.EXPANDED).hex()
    'aa09220700a40004023f00'
    """
    pieces = [_piece(command, coding) for command in commands]
    if coding is Coding.COMPACT:
        return _joined(pieces)
    objects: list[bytes | Secret] = []
    for piece in pieces:
        objects += [bytes((_COMMAND,)) + write_length(len(piece)), piece]
    if coding is Coding.INDEFINITE:
        return _joined([bytes((_INDEFINITE, _UNKNOWN_LENGTH)), *objects, _END])
    return _joined([bytes((_DEFINITE,)) + write_length(sum(map(len, objects))), *objects])


def script_size(sizes: Iterable[int], coding: Coding) -> int:
    """Return the bytes of a script.

    :param sizes: of its commands, see :func:`command_size`.
    """
    if coding is Coding.COMPACT:
        return sum(sizes)
    objects = sum(1 + shortest_size(size) + size for size in sizes)
    return 4 + objects if coding is Coding.INDEFINITE else 1 + shortest_size(objects) + objects


def command_size(command: CommandAPDU, coding: Coding) -> int:
    """Return the bytes of one command in a script, without its object."""
    return len(_piece(command, coding))


def _piece(command: CommandAPDU, coding: Coding) -> bytes | Secret:
    """Return a command as scripts have it; compact ones write five bytes at least, and no Le behind data."""
    if command.is_extended:
        raise EncodingError(f"{command!r}: extended lengths, expected a short command in a script")
    if coding is Coding.COMPACT and command.nc:
        command = replace(command, ne=0)
    wire = command.encode()
    if coding is Coding.COMPACT and len(wire) == _HEADER:
        wire += b"\x00"
    return wire if isinstance(command.data, bytes) else Secret(wire, f"command {wire[:_HEADER].hex().upper()}")


def _joined(parts: Sequence[bytes | Secret]) -> Content:
    if any(isinstance(part, Secret) for part in parts):
        return tuple(parts)
    return b"".join(part for part in parts if isinstance(part, bytes))


@dataclass(frozen=True, slots=True)
class ScriptAnswer:
    """What came of a script.

    :param executed: commands the card worked on, the one that failed included.
    :param responses: of the last one (compact), or of all.  :param bad_format: see TS 102 226 5.2.2; "" for none.
    """

    executed: int
    responses: tuple[ResponseAPDU, ...]
    bad_format: str = ""

    @property
    def failure(self) -> ResponseAPDU | None:
        """The last response, if its status word is no success."""
        if not self.responses or succeeded(self.responses[-1].sw):
            return None
        return self.responses[-1]


def succeeded(sw: int) -> bool:
    """Whether a command in a script was executed: 61xx too, its data is left behind."""
    return is_done(sw) or sw >> 8 == _DATA_WAITING or 0x6200 <= sw <= 0x63FF


def read_answer(data: bytes, coding: Coding = Coding.COMPACT) -> ScriptAnswer:
    """Read what an application answers to a script; an expanded answer is of either length form, whatever was asked.

    :raises EncodingError: when it is malformed.

    >>> read_answer(bytes.fromhex("026A82")).executed
    2
    """
    if coding is Coding.COMPACT:
        if len(data) < 3:
            raise EncodingError(f"script answer: got {len(data)} bytes, expected a count and a status word")
        return ScriptAnswer(data[0], (ResponseAPDU(data[3:], int.from_bytes(data[1:3])),))
    if data[:1] == bytes((_ANSWER_INDEFINITE,)):
        return _answers(_until_end(data))
    items = tlv.parse(data)
    if len(items) != 1 or items[0].tag != _ANSWER_DEFINITE:
        raise EncodingError(f"script answer: got {data[:1].hex().upper() or 'nothing'}, expected one object AB or AF")
    return _answers(items[0].children())


def _until_end(data: bytes) -> tlv.TlvList:
    if data[1:2] != bytes((_UNKNOWN_LENGTH,)):
        raise EncodingError(f"script answer: got {data[:2].hex().upper()}, expected AF80")
    items = tlv.parse(data[2:], padding=b"\x00")
    if items.tail != _END:
        raise EncodingError(f"script answer: ends in {len(items.tail)} bytes 00, expected 2")
    return items


def _answers(items: tlv.TlvList) -> ScriptAnswer:
    responses = tuple(ResponseAPDU.parse(item.value) for item in items.find(_RESPONSE))
    count = items.first(_COUNT)
    bad = items.first(_BAD_FORMAT)
    text = "" if bad is None else _BAD_FORMATS.get(int.from_bytes(bad), f"bad format {bad.hex().upper()}")
    return ScriptAnswer(len(responses) if count is None else int.from_bytes(count), responses, text)
