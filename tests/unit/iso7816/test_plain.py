"""Plain sessions keep what a card showed, and keep secrets from cards whose counter is not full."""

from __future__ import annotations

import pytest

from cardkit.apps.iso7816.commands import Ins, code_command, read_binary
from cardkit.apps.iso7816.plain import PlainSession
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.desired import Access, Phase, Role, Step
from cardkit.errors import AuthenticationError, CounterGuardError, StatusError
from cardkit.transport.loopback import LoopbackConnection

CODE = "4041424344454647"
KEY = Access("KEY", 0x01, 3)
COMMAND = code_command(Ins.VERIFY, KEY.reference)
READ = Step(Phase.VERIFY, Role.READ, "EF.A", "DF", read_binary(0, 2, 1), answer=2)
QUERY = Step(Phase.WRITE, Role.QUERY, "KEY", "DF", COMMAND, access=KEY, sw=(0x63C3,))
PRESENT = Step(Phase.WRITE, Role.PRESENT, "KEY", "DF", COMMAND, "KEY", KEY, nc=8)
ASKED, SENT = "00200001", f"0020000108{CODE}"


class Scripted:
    """A card that gives prepared answers, then 9000."""

    def __init__(self, *answers: str) -> None:
        self.answers = [bytes.fromhex(answer) for answer in answers]
        self.sent: list[str] = []

    def atr(self) -> bytes:
        return bytes.fromhex("3B00")

    def power(self, cold: bool) -> None:
        pass

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command.hex().upper())
        return self.answers.pop(0) if self.answers else b"\x90\x00"


def session(card: Scripted) -> PlainSession:
    secret = Secret(bytes.fromhex(CODE), "key")
    return PlainSession({}, Channel(LoopbackConnection(card)), {"KEY": secret})


def test_a_secret_follows_its_counter():
    card = Scripted("63C3")
    session(card).run((QUERY, PRESENT), strict=True)
    assert card.sent == [ASKED, SENT]


@pytest.mark.parametrize("answer", ["63C2", "63C0", "6983", "6A88", "9000"])
def test_a_counter_that_is_not_as_planned_keeps_the_secret_here(answer):
    card = Scripted(answer)
    with pytest.raises(CounterGuardError, match=f"KEY: query: card answered {answer}, expected 63C3"):
        session(card).run((QUERY, PRESENT), strict=True)
    assert card.sent == [ASKED]


def test_looking_goes_on_without_the_secret():
    card = Scripted("63C2", "ABCD9000")
    plain = session(card)
    plain.run((QUERY, PRESENT, READ), strict=False)
    assert card.sent == [ASKED, "00B0810002"]
    assert plain.seen.words == {"KEY": 0x63C2, "EF.A": 0x9000}


def test_one_question_serves_one_presentation():
    card = Scripted("63C3", "63C2")
    plain = session(card)
    plain.run((QUERY, PRESENT, PRESENT), strict=False)
    assert card.sent == [ASKED, SENT]
    with pytest.raises(CounterGuardError, match="nobody asked for the counter"):
        plain.run((PRESENT,), strict=True)
    assert len(card.sent) == 2


def test_a_reset_takes_the_answer_and_all_that_was_seen():
    card = Scripted("63C3", "ABCD9000")
    plain = session(card)
    plain.run((QUERY, READ), strict=True)
    assert plain.seen.bodies == {"EF.A": bytes.fromhex("ABCD")}
    plain.restarted()
    plain.run((PRESENT,), strict=False)
    assert (card.sent[2:], plain.seen.bodies, plain.seen.words) == ([], {}, {})


def test_a_refused_secret_stops_the_line_and_is_named_only():
    card = Scripted("63C3", "63C2")
    with pytest.raises(AuthenticationError, match="KEY: present: card answered 63C2") as caught:
        session(card).run((QUERY, PRESENT), strict=True)
    assert CODE not in repr(caught.value)


def test_a_wrong_answer_raises_while_writing_and_is_kept_while_looking():
    with pytest.raises(StatusError, match=r"EF\.A: read"):
        session(Scripted("6A82")).run((READ,), strict=True)
    plain = session(Scripted("ABCD9000", "FFFF6281"))
    plain.run((READ, READ), strict=False)
    assert (plain.seen.bodies, plain.seen.words) == ({}, {"EF.A": 0x6281})
