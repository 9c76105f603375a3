"""Does the line run as fast as the card offers? PC/SC does not tell, so a file is read in two lengths and timed.

Etu, F and D: ISO/IEC 7816-3 7.1. Only READ BINARY is used: writing takes time per byte in the card itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.atr import ATR
from cardkit.channel import Channel
from cardkit.doctor.check import Seen, fail, not_applicable, ok, warn
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.meter import T0_CHARACTER, T1_CHARACTER, USUAL_TA1, clocks_per_etu

_ROUNDS = 5
_SHORT, _LONG = 16, 240
_LEAST_DIFFERENCE = 64
_NOMINAL_HZ = 4_000_000
_GOOD_RATIO = (0.6, 1.6)  # a clock of 2.5 to 6.7 MHz
_DEFAULT_TA1 = 0x11

# Where a longer transparent file often lies that may be read freely: (application or directory, file).
# TS 31.102 4.2.5, 4.2.53, 4.2.54, 4.2.16; TS 51.011 10.3.35; ISO/IEC 7816-4 12.1.2 (clauses from memory).
_USIM = (0x04, bytes.fromhex("A0000000871002"))
_GSM = (0x00, bytes.fromhex("7F20"))
_MF = (0x00, bytes.fromhex("3F00"))
_CANDIDATES = (
    (_MF, "2F01"),
    (_USIM, "6F61"), (_USIM, "6F60"), (_USIM, "6F62"), (_USIM, "6F7B"),
    (_GSM, "6F61"), (_GSM, "6F60"),
)  # fmt: skip


def bitrate(channel: Channel) -> Seen:
    """Measure the time of a byte on the line and compare it with the ATR.

    :raises TransportError: when the link fails.  :raises EncodingError: on an ATR with reserved values.
    """
    atr = ATR.parse_unchecked(channel.atr)
    length = max((len(answer.data) for answer in _readable(channel)), default=0)
    if length < _SHORT + _LEAST_DIFFERENCE:
        return not_applicable(f"this card has no freely readable file of {_SHORT + _LEAST_DIFFERENCE} bytes to time")
    for answer in _readable(channel):
        if len(answer.data) == length:
            break
    return judge(_byte_seconds(channel, length), channel.protocol, atr)


def _readable(channel: Channel) -> Iterator[ResponseAPDU]:
    """Select one candidate after another and give the answer to its READ BINARY, if it has one."""
    for (by, place), file in _CANDIDATES:
        for p1, name in ((by, place), (0x00, bytes.fromhex(file))):
            selected = channel.send(CommandAPDU(0x00, 0xA4, p1, 0x0C, name))
            if selected.sw != 0x9000:
                break
        else:
            answer = channel.send(CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=_LONG))
            if answer.sw >> 8 in (0x90, 0x62):
                yield answer


def _byte_seconds(channel: Channel, length: int) -> float:
    """Seconds one more byte of an answer takes: the difference of two lengths, best of five each."""
    fastest = {_SHORT: float("inf"), length: float("inf")}
    for _ in range(_ROUNDS):
        for count, best in fastest.items():
            start = time.perf_counter()
            channel.require(CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=count), ok=(0x9000, 0x6282))
            fastest[count] = min(best, time.perf_counter() - start)
    return (fastest[length] - fastest[_SHORT]) / (length - _SHORT)


def judge(byte_s: float, protocol: TransmissionProtocol, atr: ATR) -> Seen:
    """Judge the measured time of a byte.

    :param byte_s: seconds.  :raises EncodingError: where TA1 has a reserved value.
    """
    if byte_s <= 0:
        return warn("a longer answer took no longer: this measures no line", "repeat with other programs stopped")
    if atr.contactless:
        return ok(f"{1 / byte_s:,.0f} bytes/s; a contactless ATR names no rate to compare with")
    clocks = T0_CHARACTER if protocol == TransmissionProtocol.T0 else T1_CHARACTER
    ta1 = atr.ta(1) if atr.ta(1) is not None else _DEFAULT_TA1
    assert ta1 is not None
    etu_clocks = byte_s / clocks * _NOMINAL_HZ
    ratio = etu_clocks / clocks_per_etu(ta1)
    nearest = min(USUAL_TA1, key=lambda usual: abs(clocks_per_etu(usual) / etu_clocks - 1))
    told = f"{byte_s * 1e6:,.0f} us per byte, {ratio:.1f} times what TA1={ta1:02X} promises at 4 MHz"
    if ratio > _GOOD_RATIO[1]:
        return fail(
            f"link-slower-than-atr: {told}; it runs like TA1={nearest:02X}",
            "use a reader and driver that negotiate the card's rate (PPS)",
        )
    if ratio < _GOOD_RATIO[0]:
        return warn(f"{told}: faster than any card clock", "repeat; is this a real reader?")
    return ok(told)
