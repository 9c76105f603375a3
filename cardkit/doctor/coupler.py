"""One reader with a card in it: does it answer, how fast, and does it carry long commands."""

from __future__ import annotations

from collections.abc import Callable

from cardkit.apdu import CommandAPDU
from cardkit.atr import ATR
from cardkit.doctor import bitrate, latency
from cardkit.doctor.check import Check, Seen, fail, not_applicable, ok, warn
from cardkit.doctor.deadline import within
from cardkit.doctor.station import LINUX, Station
from cardkit.doctor.virtual import SELECT_MF
from cardkit.doctor.vpcd import virtual_reader_names
from cardkit.errors import (
    CardkitError,
    EncodingError,
    LinkTimeoutError,
    NoCardError,
    ReaderBusyError,
    TransportError,
)
from cardkit.target import Card, Scheme, Target, open_card, parse_one
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.pcsc import PcscConnection

IDS = ("mute", "apdu", "bitrate", "extended")
_CONNECT_TIMEOUT_S = 3.0
_TALK_TIMEOUT_S = 60.0
_EXTENDED_PROBE = CommandAPDU(0x00, 0xA4, 0x00, 0x0C, bytes.fromhex("3F00"), extended=True)
_WRONG_LENGTH = (0x6700, 0x6F00)

_REMEDIES: tuple[tuple[type[TransportError], str], ...] = (
    (NoCardError, "put a card in"),
    (ReaderBusyError, "stop the program that holds the card (gpg's scdaemon, browsers, pcsc_scan)"),
    (LinkTimeoutError, "take the card out; if the reader stays blocked, plug it anew or restart pcscd"),
)
_OTHER_REMEDY = "look at `cardkit readers`; try another card, then another reader"


def testable(reader: str) -> Target:
    """Read the target of a reader that can be tested.

    :raises EncodingError: on anything but ``pcsc:...`` and ``virtual:...``.
    """
    target = parse_one(reader)
    if target.scheme not in (Scheme.PCSC, Scheme.VIRTUAL):
        raise EncodingError(f"reader {reader!r}: no reader to test, expected pcsc:INDEX, pcsc:NAME or virtual:IMAGE")
    return target


def untested(reason: str) -> list[Check]:
    """Return the checks of a reader that cannot be reached."""
    return [_check(name, not_applicable(reason)) for name in IDS]


def examine(target: Target, station: Station) -> list[Check]:
    """Test one reader with harmless commands."""
    try:
        card = within(_CONNECT_TIMEOUT_S, lambda: open_card(target), "connect")
    except TransportError as error:
        remedy = next((words for kind, words in _REMEDIES if isinstance(error, kind)), _OTHER_REMEDY)
        return [_check(IDS[0], fail(str(error), remedy)), *untested("the reader gave no card")[1:]]
    return [
        _check("mute", ok(f"{card.reader}: the card answers, ATR {card.atr.hex().upper()}")),
        *_talk(card, is_virtual=_is_virtual(target, card, station)),
    ]


def _check(name: str, seen: Seen) -> Check:
    return Check(name, seen.verdict, seen.evidence, seen.remedy)


def _is_virtual(target: Target, card: Card, station: Station) -> bool:
    if target.scheme is Scheme.VIRTUAL:
        return True
    return station.platform == LINUX and any(card.reader.startswith(name) for name in virtual_reader_names(station))


def _talk(card: Card, *, is_virtual: bool) -> list[Check]:
    """Ask the card in turn; after a broken link nothing more is asked."""
    looks: tuple[tuple[str, Callable[[], Seen]], ...] = (
        ("apdu", lambda: exchange(card, is_virtual=is_virtual)),
        ("bitrate", lambda: _bitrate(card, is_virtual=is_virtual)),
        ("extended", lambda: extended(card)),
    )
    checks: list[Check] = []
    broken = ""
    for name, look in looks:
        if broken:
            checks.append(_check(name, not_applicable(f"the link broke before, at {broken}")))
            continue
        try:
            seen = within(_TALK_TIMEOUT_S, look, name)
        except TransportError as error:
            broken = name
            seen = fail(str(error), _OTHER_REMEDY)
        except CardkitError as error:
            seen = warn(str(error), "try another card")
        checks.append(_check(name, seen))
    if not broken:
        card.close()
    return checks


def exchange(card: Card, *, is_virtual: bool) -> Seen:
    """Time 100 SELECTs of the MF; only a virtual card's time says something about the stack."""
    p50_us = latency.median_us(lambda: card.channel.send(SELECT_MF))
    about = f"a short command takes {p50_us:,.0f} us (p50 of {latency.ROUNDS})"
    if not is_virtual:
        return ok(f"{about}, card and line included")
    about += f"; reference {latency.CARD_REFERENCE_US} us through pcscd"
    return latency.judge(p50_us, about, "the card must re-arm TCP_QUICKACK before each read and answer with one write")


def _bitrate(card: Card, *, is_virtual: bool) -> Seen:
    return not_applicable("a virtual reader has no bit rate") if is_virtual else bitrate.bitrate(card.channel)


def extended(card: Card) -> Seen:
    """Find out whether extended lengths pass: the reader says so, or a harmless command in that form gets through."""
    connection = card.connection
    if card.protocol == TransmissionProtocol.T0:
        return not_applicable("T=0 carries short APDUs only")
    if isinstance(connection, PcscConnection) and connection.takes_extended():
        return ok("the reader carries extended APDUs")
    capabilities = ATR.parse_unchecked(card.atr).capabilities
    if capabilities is None or not capabilities.extended_length:
        return not_applicable("the card declares no extended length to try the reader with")
    try:
        answer = connection.transmit(_EXTENDED_PROBE.encode())
    except TransportError as error:
        return warn(
            f"an extended SELECT broke the link ({error})", "short APDUs only; a card inserted anew works again"
        )
    sw = int.from_bytes(answer[-2:], "big")
    if sw in _WRONG_LENGTH:
        return warn(f"an extended SELECT was answered {sw:04X}", "short APDUs or command chaining are used")
    return ok(f"an extended SELECT was answered {sw:04X}: it got through")
