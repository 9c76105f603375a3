"""What chips must refuse: honest ones do, and each that does not is named by its rule alone."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.emrtd.rules.table import RULES
from cardkit.apps.emrtd.terminal.probing import probe
from cardkit.apps.emrtd.terminal.reader import inspect
from cardkit.apps.emrtd.terminal.reading import Reading, Request
from cardkit.channel import Channel
from cardkit.encoding import tlv
from cardkit.errors import SecureMessagingError
from cardkit.transport.loopback import LoopbackConnection
from tests.unit.emrtd.passport import NOW, TRUST, Document
from tests.unit.emrtd.test_border_reader import BY_MRZ, with_fingers

Lie = Callable[[list[bytes], bytes], bytes]
"""What came since power, and a command: the answer, empty for the chip's own."""
DONE = b"\x90\x00"
COM = bytes.fromhex("6016 5F01 0430313037 9000")
AID = bytes.fromhex("A0000002471001")


class Lax:
    """A chip that does not refuse what it should; it sees its commands since power and says what it answers instead."""

    def __init__(self, document: Document, lie: Lie) -> None:
        self._chip, self._lie = document.card(), lie
        self.since_power: list[bytes] = []

    def atr(self) -> bytes:
        return self._chip.atr()

    def power(self, cold: bool) -> None:
        self.since_power = []
        self._chip.power(cold)

    def transmit(self, command: bytes) -> bytes:
        answer = self._lie(self.since_power, command) or self._chip.transmit(command)
        self.since_power.append(command)
        return answer


def judged(document: Document, lie: Lie = lambda *_: b"") -> Reading:
    channel = Channel(LoopbackConnection(Lax(document, lie)))
    request = Request((BY_MRZ,), TRUST, NOW, Random(1).randbytes)
    reading = inspect(channel, request)
    probe(channel, request, reading)
    return reading


@pytest.mark.parametrize(
    "document",
    [
        Document(),
        Document(image="emrtd-applet"),
        Document(pace=(), chip=(1, 12), active="rsa"),
        Document(pace=((1, 2, 0),)),
        Document(pace=((4, 2, 13),)),
        Document(pace=((6, 2, 12), (2, 2, 12))),
    ],
    ids=["native", "applet", "BAC", "DH", "integrated", "CAM"],
)
def test_an_honest_chip_refuses_everything(document: Document) -> None:
    assert [(one.rule, one.where, one.actual) for one in judged(document).findings] == []


def selected(before: list[bytes]) -> bool:
    return any(AID in command for command in before)


def in_session(before: list[bytes]) -> bool:
    return any(command[0] & 0x0C == 0x0C for command in before)


def starts(command: bytes, *heads: str) -> bool:
    return any(command.startswith(bytes.fromhex(head)) for head in heads)


def directory(before: list[bytes], command: bytes) -> bytes:
    if selected(before) or in_session(before):
        return b""
    if starts(command, "00B09E00"):
        return tlv.build(0x61, tlv.build(0x4F, AID[::-1])) + DONE
    return b"\x6b\x00" if starts(command, "00B000") else b""


def answered(answer: bytes, *heads: str, when: Callable[[list[bytes]], bool] = lambda _: True) -> Lie:
    """Answer commands that begin so, where what came before is so."""
    return lambda before, command: answer if starts(command, *heads) and when(before) else b""


def once(lie: Lie) -> Lie:
    """Tell a lie the first time only."""
    told: list[bytes] = []

    def first(before: list[bytes], command: bytes) -> bytes:
        answer = b"" if told else lie(before, command)
        told.extend([answer] if answer else [])
        return answer

    return first


def unknown_password(_: list[bytes], command: bytes) -> bytes:
    return DONE if starts(command, "0022C1A4") and b"\x83\x01\x0f" in command else b""


def begun_again(before: list[bytes], command: bytes) -> bytes:
    interrupted = bool(before) and starts(before[-1], "00A4000C")
    return DONE if interrupted and starts(command, "1086") and command[7:8] == b"\x81" else b""


def without_atr_info(_: list[bytes], command: bytes) -> bytes:
    return b"\x6a\x82" if starts(command, "00B08100") or starts(command, "00A4020C022F01") else b""


LIES: dict[str, Callable[[], Lie]] = {
    "EMRTD-001": lambda: once(answered(b"\x6f\x00" + DONE, "00A4040C", when=lambda before: not in_session(before))),
    "EMRTD-002": lambda: answered(COM, "00B09E", when=lambda before: selected(before) and not in_session(before)),
    "EMRTD-003": lambda: answered(COM, "00B09E", when=in_session),
    "EMRTD-005": lambda: answered(COM, "00B09D", when=lambda before: not selected(before) and not in_session(before)),
    "EMRTD-006": lambda: without_atr_info,
    "EMRTD-007": lambda: directory,
    "EMRTD-012": lambda: answered(bytes(range(8)) + DONE, "00840000"),
    "EMRTD-014": lambda: answered(DONE, "00820000"),
    "EMRTD-019": lambda: unknown_password,
    "EMRTD-020": lambda: answered(DONE, "1086000002 7D00"),
    "EMRTD-021": lambda: answered(DONE, "1086000004 7C028100"),
    "EMRTD-022": lambda: answered(b"\x6a\x80", "1086000045 7C438141 0400"),
    "EMRTD-023": lambda: answered(DONE, "008600000B 7C098507"),
    "EMRTD-024": lambda: answered(DONE, "00860000027C00"),
    "EMRTD-025": lambda: begun_again,
    "EMRTD-031": lambda: answered(DONE, "002241A4", when=lambda before: not in_session(before)),
}


@pytest.mark.parametrize("rule", LIES)
def test_each_chip_that_does_not_is_named_by_its_rule_alone(rule: str) -> None:
    assert {finding.rule for finding in judged(Document(), LIES[rule]()).findings} == {rule}


class Repeating(Lax):
    """A chip that has one nonce between two resets."""

    def transmit(self, command: bytes) -> bytes:
        asks = starts(command, "10860000027C00")
        if asks and any(starts(one, "10860000027C00") for one in self.since_power):
            self.since_power.append(command)
            return self.nonce
        answer = super().transmit(command)
        if asks:
            self.nonce = answer
        return answer


def test_a_nonce_that_comes_again_is_named() -> None:
    channel = Channel(LoopbackConnection(Repeating(Document(), lambda *_: b"")))
    request = Request((BY_MRZ,), TRUST, NOW, Random(1).randbytes)
    reading = inspect(channel, request)
    probe(channel, request, reading)
    assert {finding.rule for finding in reading.findings} == {"EMRTD-026"}


class Naked(Lax):
    """A chip that leaves its session with an error, and one that takes what is not protected rightly."""

    replaced: dict[bytes, bytes]

    def transmit(self, command: bytes) -> bytes:
        answer = super().transmit(command)
        return self.replaced.get(answer[-2:], answer) if in_session(self.since_power) else answer


@pytest.mark.parametrize(
    ("rule", "replaced"),
    [
        ("EMRTD-009", {b"\x6a\x82": b"\x6a\x82"}),
        ("EMRTD-016", {b"\x69\x88": DONE, b"\x69\x87": b"\x69\x87"}),
    ],
)
def test_errors_of_a_session_stay_in_it(rule: str, replaced: dict[bytes, bytes]) -> None:
    chip = Naked(Document(), lambda *_: b"")
    chip.replaced = replaced
    channel = Channel(LoopbackConnection(chip))
    request = Request((BY_MRZ,), TRUST, NOW, Random(1).randbytes)
    reading = inspect(channel, request)
    probe(channel, request, reading)
    assert {finding.rule for finding in reading.findings} == {rule}


class LaxChannel(Channel):
    """A session whose chip does not refuse what it should: answers are changed behind the protection."""

    lie: Callable[[CommandAPDU, ResponseAPDU | None, bytes], ResponseAPDU | None]
    before = b""

    def send(self, command: CommandAPDU) -> ResponseAPDU:
        if self.secure is None:
            self.before = command.encode()
        try:
            response = super().send(command)
        except SecureMessagingError:
            answer = self.lie(command, None, self.before)
            if answer is None:
                raise
            return answer
        return self.lie(command, response, self.before) or response


def within(answer: ResponseAPDU, *heads: str):
    """Answer commands that begin so as a session would."""
    return lambda command, response, _: answer if response and starts(command.encode(), *heads) else None


def goes_on(head: str):
    """Let a session go on after a plain command that begins so."""
    alive = ResponseAPDU(b"", 0x9000)
    return lambda command, response, before: alive if response is None and starts(before, head) else None


FINE, SHORT = ResponseAPDU(b"", 0x9000), ResponseAPDU(b"\0", 0x9000)
INSIDE = [
    ("EMRTD-003", goes_on("00B09E")),
    ("EMRTD-008", within(SHORT, "00B0810001")),
    ("EMRTD-010", within(FINE, "00B07FF0")),
    ("EMRTD-010", within(ResponseAPDU(b"", 0x6282), "00B09E00C8")),
    ("EMRTD-016", goes_on("0CB09E")),
    ("EMRTD-093", within(FINE, "00A4020C020155")),
    ("EMRTD-033", within(FINE, "0088000007", "0088000009")),
]


@pytest.mark.parametrize(("rule", "lie"), INSIDE, ids=[rule for rule, _ in INSIDE])
def test_each_lax_session_is_named_by_its_rule_alone(rule, lie) -> None:
    channel = LaxChannel(LoopbackConnection(Document().card()))
    channel.lie = lie
    request = Request((BY_MRZ,), TRUST, NOW, Random(1).randbytes)
    reading = inspect(channel, request)
    probe(channel, request, reading)
    assert {finding.rule for finding in reading.findings} == {rule}


def test_trust_points_are_looked_at_where_fingers_are() -> None:
    assert {finding.rule for finding in judged(with_fingers()).findings} == {"EMRTD-072"}  # not read: not checked
    empty = replace(with_fingers(), cvca=b"")
    assert {finding.rule for finding in judged(empty).findings} == {"EMRTD-036", "EMRTD-072"}


def test_every_rule_that_is_probed_is_in_the_table() -> None:
    assert set(LIES) <= set(RULES)
