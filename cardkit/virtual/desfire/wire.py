"""The forms in which commands reach the card: raw native frames, wrapped ones, ISO 7816 (sheet 1)."""

from enum import Enum
from typing import Final

from .. import statuswords as sw

LONG_OPCODES: Final = frozenset({0x8D, 0xAD, 0x8B, 0xAB, 0xBA})  # EV2: frames longer than 64 bytes
LONG_FRAME: Final = 240
_WRAPPED, _ISO, _READER = 0x90, 0x00, 0xFF
_HEADER: Final = 5
_NATIVE_SW1: Final = 0x91


class Form(Enum):
    """How a command came; its answer goes the same way."""

    RAW = 0
    WRAPPED = 1
    ISO = 2
    READER = 3


def form(command: bytes) -> Form:
    """Tell the forms apart by the first byte."""
    first = command[0] if command else _ISO
    if first == _WRAPPED and len(command) > 1:
        return Form.WRAPPED
    if first == _READER:
        return Form.READER
    return Form.ISO if first == _ISO and len(command) >= 4 else Form.RAW


def parse(command: bytes, how: Form) -> tuple[int, bytes] | bytes:
    """Opcode and data; or, where there are none, the answer: 6700, 6A86."""
    if how is Form.RAW:
        return (command[0], command[1:]) if command else sw.WRONG_LENGTH
    if len(command) < 4:
        return sw.WRONG_LENGTH
    if command[2] or command[3]:
        return sw.WRONG_P1P2
    if len(command) <= _HEADER:
        return command[1], b""
    end = _HEADER + command[4]
    if len(command) not in (end, end + 1):
        return sw.WRONG_LENGTH
    return command[1], command[_HEADER:end]


def answer(how: Form, status: int, data: bytes) -> bytes:
    """The frame that goes back."""
    if how is Form.RAW:
        return bytes((status,)) + data
    return data + bytes((_NATIVE_SW1, status))
