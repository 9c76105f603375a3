"""Does the line run as fast as the card offers? PC/SC does not tell, so a file is read in two lengths and timed.

Etu, F and D: ISO/IEC 7816-3 7.1. Only READ BINARY is used: writing takes time per byte in the card itself.
"""

from __future__ import annotations

import time

from cardkit.apdu import CommandAPDU
from cardkit.atr import ATR
from cardkit.channel import Channel
from cardkit.doctor.check import Seen, fail, not_applicable, ok, warn
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.meter import T0_CHARACTER, T1_CHARACTER, USUAL_TA1, clocks_per_etu

_ROUNDS = 5
_SHORT, _LONG = 16, 240
_LEAST_DIFFERENCE = 64
_READ = (0x9000, 0x6282)  # done; done, and the file ended before Le
_NOMINAL_HZ = 4_000_000
_GOOD_RATIO = (0.6, 1.6)  # a clock of 2.5 to 6.7 MHz
_DEFAULT_TA1 = 0x11

_Candidate = tuple[tuple[int, bytes], str]

# Where a longer transparent file often lies that may be read freely: ((P1 of its SELECT, AID or directory), file).
# TS 31.102 4.2.5, 4.2.53, 4.2.54, 4.2.16; TS 51.011 10.3.35; ISO/IEC 7816-4 12.1.2 (clauses from memory).
_USIM = (0x04, bytes.fromhex("A0000000871002"))
_GSM = (0x00, bytes.fromhex("7F20"))
_MF = (0x00, bytes.fromhex("3F00"))
_CANDIDATES: tuple[_Candidate, ...] = (
    (_MF, "2F01"),
    (_USIM, "6F61"), (_USIM, "6F60"), (_USIM, "6F62"), (_USIM, "6F7B"),
    (_GSM, "6F61"), (_GSM, "6F60"),
)  # fmt: skip


def bitrate(channel: Channel) -> Seen:
    """Measure the time of a byte on the line and compare it with the ATR.

    :raises TransportError: when the link fails.  :raises EncodingError: on an ATR with reserved values.
    """
    atr = ATR.parse_unchecked(channel.atr)
    lengths = {candidate: _readable_bytes(channel, candidate) for candidate in _CANDIDATES}
    longest = max(lengths, key=lambda candidate: lengths[candidate])
    if lengths[longest] < _SHORT + _LEAST_DIFFERENCE:
        return not_applicable(f"this card has no freely readable file of {_SHORT + _LEAST_DIFFERENCE} bytes to time")
    _select(channel, longest)
    return judge(_byte_seconds(channel, lengths[longest]), channel.protocol, atr)


def _select(channel: Channel, candidate: _Candidate) -> bool:
    (p1, place), file = candidate
    steps = ((p1, place), (0x00, bytes.fromhex(file)))
    return all(channel.send(CommandAPDU(0x00, 0xA4, by, 0x0C, name)).sw == 0x9000 for by, name in steps)


def _readable_bytes(channel: Channel, candidate: _Candidate) -> int:
    """How many of the first 240 bytes of a file may be read, 0 if there is no such file or no right."""
    if not _select(channel, candidate):
        return 0
    answer = channel.send(CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=_LONG))
    return len(answer.data) if answer.sw in _READ else 0


def _byte_seconds(channel: Channel, length: int) -> float:
    """Seconds one more byte of an answer takes: the difference of two lengths, best of five each."""
    fastest = {_SHORT: float("inf"), length: float("inf")}
    for _ in range(_ROUNDS):
        for count, best in fastest.items():
            start = time.perf_counter()
            channel.require(CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=count), ok=_READ)
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
