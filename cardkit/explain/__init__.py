"""What a status word, a command or an answer to reset says, in words. Floor: just above ``atr`` and ``apdu``."""

from __future__ import annotations

from typing import NamedTuple

from cardkit.apdu import CommandAPDU
from cardkit.atr import ATR
from cardkit.errors import EncodingError
from cardkit.explain.command import explain_command, instruction
from cardkit.statuswords import meaning

__all__ = ["Explanation", "explain", "explain_command", "instruction"]

_STATUS_SIZE = 2
_TS = (0x3B, 0x3F)


class Explanation(NamedTuple):
    """What some bytes are, and what each part of them says.

    :param kind: ``status word``, ``ATR`` or ``command``.
    :param lines: (name, hex, words with the clause).
    """

    kind: str
    lines: list[tuple[str, str, str]]


def explain(data: bytes, *, ins: int | None = None, cla: int | None = None) -> Explanation:
    """Tell two bytes as a status word, bytes that begin with 3B or 3F as an ATR, others as a command.

    :param ins: for a status word: instruction of the command it answers.
    :param cla: for a status word: its class.
    :raises EncodingError: if the bytes are none of these.

    >>> explain(bytes.fromhex("6A82")).lines
    [('SW', '6A82', 'file or application not found [ISO/IEC 7816-4 5.1.3]')]
    """
    if len(data) == _STATUS_SIZE:
        text, clause = meaning(int.from_bytes(data, "big"), ins, cla)
        return Explanation("status word", [("SW", data.hex().upper(), f"{text} [{clause}]")])
    if len(data) < _STATUS_SIZE:
        raise EncodingError(f"got {len(data)} bytes, expected a status word, an ATR or a command")
    if data[0] in _TS:
        return Explanation("ATR", ATR.parse_unchecked(data).describe())
    return Explanation("command", explain_command(CommandAPDU.parse(data)))
