"""A command APDU in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cardkit.apdu import CODE_COMMANDS, CommandAPDU
from cardkit.explain.instructions import INTERINDUSTRY, NATIVE, PROPRIETARY, SIM_2G

# ETSI TS 102 221 9.5.1, table 9.3.
KEY_REFERENCES: Mapping[int, str] = (
    {n: f"PIN of application {n}" for n in range(1, 9)}
    | {0x09 + n: f"ADM{n}" for n in range(1, 6)}
    | {0x11: "universal PIN"}
    | {0x80 + n: f"second PIN of application {n}" for n in range(1, 9)}
    | {0x84 + n: f"ADM{n}" for n in range(6, 11)}
)

_CLASS_2G, _CLASS_NATIVE = 0xA0, 0x90
_READER_CLASS = 0xFF
_SELECT = 0xA4


def explain_command(command: CommandAPDU) -> list[tuple[str, str, str]]:
    """Return (name, hex, words with the clause) for each field; codes and Secret parts are not shown.

    >>> for line in explain_command(CommandAPDU.parse(bytes.fromhex("00B0820010"))): print(*line, sep=" | ")
    CLA | 00 | interindustry, logical channel 0 [ISO/IEC 7816-4 5.1.1]
    INS | B0 | READ BINARY [ISO/IEC 7816-4 7.2.3; ETSI TS 102 221 11.1.3]
    P1 P2 | 8200 | file with SFI 02, from byte 0
    Le | 10 | 16 bytes expected
    """
    name, clause = instruction(command.cla, command.ins)
    lines = [
        ("CLA", f"{command.cla:02X}", _class_words(command.cla)),
        ("INS", f"{command.ins:02X}", f"{name} [{clause}]" if clause else name),
        ("P1 P2", f"{command.p1:02X}{command.p2:02X}", _parameter_words(command)),
    ]
    if command.nc:
        lines.append(("Lc", _length(command.nc, command), f"{_count(command.nc)} of data"))
        lines.append(("data", _shown(command), _data_words(command)))
    if command.ne:
        words = "all that is there" if command.ne in {256, 65_536} else _count(command.ne)
        lines.append(("Le", _length(command.ne, command), f"{words} expected"))
    return lines


def instruction(cla: int, ins: int) -> tuple[str, str]:
    """Return name and clause of a command, in the class it was sent in."""
    unknown = ("unknown instruction", "")
    if cla == _READER_CLASS:
        return "command to the reader, not to the card", "PC/SC part 3, 3.2.2"
    if cla == _CLASS_2G:
        return SIM_2G.get(ins, unknown)
    if cla == _CLASS_NATIVE and ins in NATIVE:
        return NATIVE[ins]
    return (PROPRIETARY if cla & 0x80 else INTERINDUSTRY).get(ins, unknown)


def _class_words(cla: int) -> str:
    if cla == _READER_CLASS:
        return "reader [PC/SC part 3]"
    if cla == _CLASS_2G:
        return "2G SIM [3GPP TS 51.011 9.2]"
    said = ["proprietary" if cla & 0x80 else "interindustry"]
    if cla & 0x40:
        said.append(f"logical channel {(cla & 0x0F) + 4}")
        secured = bool(cla & 0x20)
    else:
        said.append(f"logical channel {cla & 0x03}")
        secured = bool(cla & 0x0C)
    said += ["secure messaging"] * secured
    said += ["more commands follow in the chain"] * bool(cla & 0x10)
    return f"{', '.join(said)} [ISO/IEC 7816-4 5.1.1]"


def _parameter_words(command: CommandAPDU) -> str:
    if command.cla == _CLASS_2G and command.ins == _SELECT:
        return "by FID"
    words = _PARAMETERS.get(command.ins) if command.cla != _READER_CLASS else None
    # Proprietary classes give most instructions another meaning; TS 102 221 keeps these two there.
    if words is None or (command.cla & 0x80 and command.cla != _CLASS_2G and command.ins not in {0x32, 0xF2}):
        return f"{command.p1:02X} and {command.p2:02X}"
    return words(command.p1, command.p2)


def _selection(p1: int, p2: int) -> str:
    how = {0: "by FID", 1: "child DF", 2: "EF of this DF", 3: "parent DF", 4: "by AID", 8: "by path from the MF",
           9: "by path from this DF"}  # fmt: skip
    answer = {0x00: "FCI", 0x04: "FCP", 0x08: "FMD", 0x0C: "nothing"}[p2 & 0x0C]
    which = ("first or only", "last", "next", "previous")[p2 & 0x03]
    ends = ", terminate the application" if p2 & 0x60 == 0x40 else ""
    return f"{how.get(p1, 'reserved')}, {which} occurrence, return {answer}{ends}"


def _binary(p1: int, p2: int) -> str:
    if p1 & 0x80:
        return f"file with SFI {p1 & 0x1F:02X}, from byte {p2}"
    return f"selected file, from byte {p1 << 8 | p2}"


def _file(p2: int) -> str:
    return f"file with SFI {p2 >> 3:02X}" if p2 >> 3 else "selected file"


def _record(p1: int, p2: int) -> str:
    modes = {2: "next record", 3: "previous record", 4: f"record {p1}" if p1 else "current record"}
    return f"{_file(p2)}, {modes.get(p2 & 0x07, 'other mode')}"


def _search(p1: int, p2: int) -> str:
    modes = {4: "forward", 5: "backward", 6: "enhanced search, forward or backward as the data says"}
    return f"{_file(p2)}, {modes.get(p2 & 0x07, 'proprietary search')}, from record {p1 or 'next to the current'}"


def _code(p1: int, p2: int) -> str:
    if not p2:
        return "no particular code (2G: CHV1)"
    name = KEY_REFERENCES.get(p2, "")
    replaced = ", replaced by the universal PIN" if p1 == 0x81 else ""
    return f"key reference {p2:02X}{f', {name}' if name else ''}{replaced} [ETSI TS 102 221 9.5.1]"


def _authenticate(_: int, p2: int) -> str:
    contexts = {0: "GSM context", 1: "3G or IMS AKA", 2: "VGCS/VBS", 4: "GBA"}
    key = ", application key" if p2 & 0x80 else ""
    return f"{contexts.get(p2 & 0x07, 'reserved context')}{key} [3GPP TS 31.102 7.1.2]"


def _channel(p1: int, p2: int) -> str:
    if p1 == 0x80:
        return f"close channel {p2 or 'in use'}"
    return f"open channel {p2 or 'chosen by the card'}" if p1 == 0 else "reserved"


def _status(p1: int, p2: int) -> str:
    said = {0: "no indication", 1: "application started", 2: "application ended"}.get(p1, "reserved")
    wanted = {0x00: "FCP or response of SELECT", 0x01: "DF name", 0x0C: "nothing"}.get(p2, "other data")
    return f"UICC: {said}, return {wanted}"


def _increase(p1: int, _: int) -> str:
    return f"file with SFI {p1 & 0x1F:02X}" if p1 & 0x80 else "selected file"


_PARAMETERS: Mapping[int, Callable[[int, int], str]] = {
    0x20: _code, 0x24: _code, 0x26: _code, 0x28: _code, 0x2C: _code,
    0x32: _increase, 0x70: _channel, 0x88: _authenticate, 0x89: _authenticate,
    0xA2: _search, _SELECT: _selection, 0xB0: _binary, 0xB2: _record, 0xD6: _binary, 0xDC: _record, 0xF2: _status,
}  # fmt: skip


def _shown(command: CommandAPDU) -> str:
    if command.ins in CODE_COMMANDS or not isinstance(command.data, bytes):
        return ""
    return command.data.hex().upper()


def _data_words(command: CommandAPDU) -> str:
    if command.ins in CODE_COMMANDS:
        return "a code, not shown"
    if not isinstance(command.data, bytes):
        return "holds secrets, not shown"
    if command.ins == _SELECT and (command.cla == _CLASS_2G or not command.cla & 0x80):
        return {0x04: "AID", 0x08: "path", 0x09: "path"}.get(command.p1, "FID")
    return "data"


def _count(number: int) -> str:
    return "1 byte" if number == 1 else f"{number} bytes"


def _length(length: int, command: CommandAPDU) -> str:
    return f"{length & 0xFFFF:04X}" if command.is_extended else f"{length & 0xFF:02X}"
