"""Status words in words.

Tables, one line an entry; ``X`` stands for any digit, ``{n}`` for its value. Where a word means different things, the
command's INS and CLA choose. Clauses of TS 102 221, TS 51.011 and ISO/IEC 7816-4 below the chapter are from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cardkit.errors import EncodingError


class StatusMeaning(NamedTuple):
    """What a status word says.

    :param text: in words.  :param clause: where it is defined.
    """

    text: str
    clause: str


_ISO = "ISO/IEC 7816-4 5.1.3"
_UICC = "ETSI TS 102 221 10.2.1"
_SIM = "3GPP TS 51.011 9.4"
_GP = "GlobalPlatform card specification 11"

_ISO_UICC = f"{_ISO}; {_UICC}.3"

_CLASS_2G, _CLASS_NATIVE = 0xA0, 0x90

# Any command, any class.
_GENERAL: Mapping[str, StatusMeaning] = {
    "9000": StatusMeaning("done", _ISO),
    "61XX": StatusMeaning("done, {n} bytes wait for GET RESPONSE", _ISO),
    "6200": StatusMeaning("warning without details, nothing was changed", _ISO),
    "6281": StatusMeaning("part of the returned data may be corrupted", _ISO),
    "6282": StatusMeaning("end of file or record reached before Le bytes, or no record matches", _ISO_UICC),
    "6283": StatusMeaning("selected, but deactivated", _ISO),
    "6284": StatusMeaning("control information not as asked, or file terminated", _ISO_UICC),
    "6285": StatusMeaning("selected file is in termination state", _ISO),
    "6286": StatusMeaning("no input data available from a sensor on the card", _ISO),
    "62F1": StatusMeaning("more data available", f"{_UICC}.3"),
    "62F2": StatusMeaning("more data available, and a proactive command waits", f"{_UICC}.3"),
    "62F3": StatusMeaning("response data available", f"{_UICC}.3"),
    "62XX": StatusMeaning("warning, nothing was changed", _ISO),
    "6300": StatusMeaning("warning without details, memory was changed; or authentication failed", _ISO),
    "6310": StatusMeaning("more data available: ask for the next part", f"{_GP}.4.2"),
    "6381": StatusMeaning("file filled up by the last write", _ISO),
    "63CX": StatusMeaning("{n} tries left (codes), or done after {n} internal retries (updates)", _ISO_UICC),
    "63F1": StatusMeaning("more data expected", f"{_UICC}.3"),
    "63F2": StatusMeaning("more data expected, and a proactive command waits", f"{_UICC}.3"),
    "63XX": StatusMeaning("warning, memory was changed", _ISO),
    "6400": StatusMeaning("execution error, nothing was changed", _ISO),
    "64XX": StatusMeaning("execution error, nothing was changed", _ISO),
    "6500": StatusMeaning("execution error, memory was changed", _ISO),
    "6581": StatusMeaning("memory failure: the write may have failed", _ISO),
    "65XX": StatusMeaning("execution error, memory was changed", _ISO),
    "66XX": StatusMeaning("security-related issue", _ISO),
    "6700": StatusMeaning("wrong length", _ISO),
    "67XX": StatusMeaning("wrong length, the card's own detail {n}", _ISO),
    "6800": StatusMeaning("functions in CLA not supported", _ISO),
    "6881": StatusMeaning("logical channel not supported", _ISO),
    "6882": StatusMeaning("secure messaging not supported", _ISO),
    "6883": StatusMeaning("last command of the chain expected", _ISO),
    "6884": StatusMeaning("command chaining not supported", _ISO),
    "68XX": StatusMeaning("functions in CLA not supported", _ISO),
    "6900": StatusMeaning("command not allowed", _ISO),
    "6981": StatusMeaning("command does not fit the file's structure", _ISO),
    "6982": StatusMeaning("security status not satisfied", _ISO),
    "6983": StatusMeaning("authentication method blocked: no tries left", _ISO),
    "6984": StatusMeaning("referenced data invalidated or disabled", _ISO),
    "6985": StatusMeaning("conditions of use not satisfied", _ISO),
    "6986": StatusMeaning("command not allowed: no EF selected", _ISO),
    "6987": StatusMeaning("expected secure messaging objects are missing", _ISO),
    "6988": StatusMeaning("secure messaging objects are wrong", _ISO),
    "6989": StatusMeaning("command not allowed: secure channel needed", f"{_UICC}.7"),
    "69XX": StatusMeaning("command not allowed", _ISO),
    "6A00": StatusMeaning("wrong parameters P1 P2", _ISO),
    "6A80": StatusMeaning("wrong data field", _ISO),
    "6A81": StatusMeaning("function not supported", _ISO),
    "6A82": StatusMeaning("file or application not found", _ISO),
    "6A83": StatusMeaning("record not found", _ISO),
    "6A84": StatusMeaning("not enough memory in the file", _ISO),
    "6A85": StatusMeaning("Lc does not fit the TLV structure", _ISO),
    "6A86": StatusMeaning("wrong P1 P2", _ISO),
    "6A87": StatusMeaning("Lc does not fit P1 P2", _ISO),
    "6A88": StatusMeaning("referenced data not found", _ISO),
    "6A89": StatusMeaning("file already exists", _ISO),
    "6A8A": StatusMeaning("DF name already exists", _ISO),
    "6AXX": StatusMeaning("wrong parameters P1 P2", _ISO),
    "6B00": StatusMeaning("wrong P1 P2: offset outside the file", _ISO),
    "6BXX": StatusMeaning("wrong P1 P2", _ISO),
    "6CXX": StatusMeaning("wrong Le: {n} bytes are there, send again", _ISO),
    "6D00": StatusMeaning("INS not supported or invalid", _ISO),
    "6DXX": StatusMeaning("INS not supported or invalid", _ISO),
    "6E00": StatusMeaning("CLA not supported", _ISO),
    "6EXX": StatusMeaning("CLA not supported", _ISO),
    "6F00": StatusMeaning("technical problem, no diagnosis", _ISO),
    "6FXX": StatusMeaning("technical problem, the card's own detail {n}", _ISO),
    "91XX": StatusMeaning("done, a proactive command of {n} bytes waits for FETCH", f"{_UICC}.1"),
    "92XX": StatusMeaning("done, a data transfer session runs", f"{_UICC}.1"),
    "9300": StatusMeaning("card application toolkit is busy: not executed, try again", f"{_UICC}.2"),
    "9484": StatusMeaning("algorithm not supported", f"{_GP}.1.3"),
    "9485": StatusMeaning("wrong key check value", f"{_GP}.1.3"),
    "9850": StatusMeaning("maximum value reached, nothing was changed", f"{_UICC}.9"),
    "9862": StatusMeaning("authentication failed: the card refuses the MAC", f"{_UICC}.9"),
    "9863": StatusMeaning("security session or association expired", f"{_UICC}.9"),
    "9864": StatusMeaning("authentication failed: security context not supported", "3GPP TS 31.102 7.1"),
    "9865": StatusMeaning("key freshness failure", "3GPP TS 31.102 7.1"),
    "9866": StatusMeaning("authentication failed: no memory", "3GPP TS 31.102 7.1"),
    "9867": StatusMeaning("authentication failed: no memory in EF.MUK", "3GPP TS 31.102 7.1"),
}  # fmt: skip

# Class A0, where it differs or adds.
_CLASS_A0: Mapping[str, StatusMeaning] = {
    "9EXX": StatusMeaning("{n} bytes of response to a SIM data download wait", f"{_SIM}.1"),
    "9FXX": StatusMeaning("done, {n} bytes wait for GET RESPONSE", f"{_SIM}.1"),
    "9240": StatusMeaning("memory problem", f"{_SIM}.3"),
    "920X": StatusMeaning("done after {n} internal retries", f"{_SIM}.3"),
    "9400": StatusMeaning("no EF selected", f"{_SIM}.4"),
    "9402": StatusMeaning("out of range: invalid address", f"{_SIM}.4"),
    "9404": StatusMeaning("file or pattern not found", f"{_SIM}.4"),
    "9408": StatusMeaning("command does not fit the file", f"{_SIM}.4"),
    "9802": StatusMeaning("no CHV initialised", f"{_SIM}.5"),
    "9804": StatusMeaning("access refused, or the code is wrong and tries are left", f"{_SIM}.5"),
    "9808": StatusMeaning("in contradiction with the CHV status", f"{_SIM}.5"),
    "9810": StatusMeaning("in contradiction with the invalidation status", f"{_SIM}.5"),
    "9840": StatusMeaning("code wrong and no tries left, or CHV blocked", f"{_SIM}.5"),
    "9850": StatusMeaning("maximum value reached: INCREASE not done", f"{_SIM}.5"),
    "6700": StatusMeaning("wrong P3", f"{_SIM}.6"),
    "67XX": StatusMeaning("wrong P3, expected {n}", f"{_SIM}.6"),
    "6BXX": StatusMeaning("wrong P1 or P2", f"{_SIM}.6"),
    "6DXX": StatusMeaning("unknown instruction", f"{_SIM}.6"),
    "6EXX": StatusMeaning("wrong class: not a 2G SIM", f"{_SIM}.6"),
    "6FXX": StatusMeaning("technical problem, no diagnosis", f"{_SIM}.6"),
}  # fmt: skip

_CODES: Mapping[str, StatusMeaning] = {
    "63CX": StatusMeaning("code refused or asked for, {n} tries left", _ISO_UICC),
    "6300": StatusMeaning("code refused", _ISO),
    "6983": StatusMeaning("code blocked: no tries left", _ISO),
    "6984": StatusMeaning("code disabled or not usable", f"{_UICC}.7"),
}

_UPDATES: Mapping[str, StatusMeaning] = {
    "63CX": StatusMeaning("done after {n} internal retries", f"{_UICC}.3"),
}

_AUTHENTICATION: Mapping[str, StatusMeaning] = {
    "6300": StatusMeaning("authentication of the host cryptogram failed: a try is gone", _GP),
}

# Class 90: native commands of DESFire, their status byte behind 91 (from published code and application notes).
_NATIVE: Mapping[str, StatusMeaning] = {
    f"91{status:02X}": StatusMeaning(text, "DESFire")
    for status, text in (
        (0x00, "done"),
        (0x0C, "no changes"),
        (0x0E, "out of memory"),
        (0x1C, "no such command"),
        (0x1E, "MAC, CRC or padding is wrong"),
        (0x40, "no such key"),
        (0x7E, "wrong length"),
        (0x90, "done, a signature follows"),
        (0x9D, "permission denied"),
        (0x9E, "wrong parameter"),
        (0xA0, "no such application"),
        (0xA1, "application is damaged"),
        (0xAD, "authentication is delayed"),
        (0xAE, "authentication is missing or wrong"),
        (0xAF, "more frames follow, or are expected"),
        (0xBE, "beyond a boundary"),
        (0xC1, "card is damaged"),
        (0xCA, "aborted"),
        (0xCD, "card is disabled"),
        (0xCE, "no more applications"),
        (0xDE, "there is one already"),
        (0xEE, "memory failure"),
        (0xF0, "no such file"),
        (0xF1, "file is damaged"),
    )
}

# VERIFY, CHANGE, DISABLE, ENABLE, UNBLOCK; all that writes; EXTERNAL AUTHENTICATE.
_BY_INSTRUCTION: Mapping[int, Mapping[str, StatusMeaning]] = (
    dict.fromkeys((0x20, 0x24, 0x26, 0x28, 0x2C), _CODES)
    | dict.fromkeys((0x0E, 0x32, 0xD0, 0xD2, 0xD6, 0xD7, 0xDA, 0xDB, 0xDC, 0xDD, 0xE2), _UPDATES)
    | {0x82: _AUTHENTICATION}
)


def meaning(sw: int, ins: int | None = None, cla: int | None = None) -> StatusMeaning:
    """Say what a status word means.

    :param sw: 0 to 0xFFFF.
    :param ins: instruction of the command, where known.
    :param cla: class of the command, where known.
    :raises EncodingError: if `sw` is not a 16-bit number.

    >>> meaning(0x63C2, ins=0x20).text
    'code refused or asked for, 2 tries left'
    >>> meaning(0x9404, cla=0xA0).clause
    '3GPP TS 51.011 9.4.4'
    >>> meaning(0x91F0, cla=0x90).text
    'no such file'
    """
    if not 0 <= sw <= 0xFFFF:
        raise EncodingError(f"status word: got {sw:#x}, expected 0 to 0xFFFF")
    word = f"{sw:04X}"
    # From the particular to the general; "XX" counts 00 as 256 only where it counts bytes.
    for table in _tables(ins, cla):
        for pattern, value in ((word, 0), (word[:3] + "X", sw & 0x0F), (word[:2] + "XX", sw & 0xFF)):
            if found := table.get(pattern):
                return StatusMeaning(found.text.format(n=_counted(sw, value)), found.clause)
    if word[0] not in "69" or word[:2] == "60":
        return StatusMeaning("no status word: one begins with 61 to 6F or with 9", _ISO)
    return StatusMeaning("known to the card's maker only", _ISO)


def _tables(ins: int | None, cla: int | None) -> list[Mapping[str, StatusMeaning]]:
    tables = [_GENERAL]
    if cla == _CLASS_NATIVE:
        return [_NATIVE, _GENERAL]
    if cla == _CLASS_2G:
        tables.insert(0, _CLASS_A0)
    elif cla is None:
        tables.append(_CLASS_A0)
    if ins is not None and ins in _BY_INSTRUCTION:
        tables.insert(0, _BY_INSTRUCTION[ins])
    return tables


def _counted(sw: int, value: int) -> int:
    return 256 if sw in {0x6100, 0x6C00} else value
