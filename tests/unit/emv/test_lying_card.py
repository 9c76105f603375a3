"""A card that answers anything at all: the terminal, the look at a card and the client end with a declared error."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.emv import dump
from cardkit.apps.emv.capk import CapkStore, CaPublicKey
from cardkit.apps.emv.terminal.host import FixedHost
from cardkit.apps.emv.terminal.run import Outcome, run_transaction
from cardkit.apps.emv.terminal.settings import Purchase, Settings
from cardkit.apps.emv.terminal.transaction import Surroundings
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.errors import CardError
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection

from .papercard import AID, ISSUER_MADE, PAN, PaperCard, h

CAPKS = CapkStore([CaPublicKey(AID[:5], 0x92, RsaPublicKey(h(ISSUER_MADE["in"]["ca_key"]["n"]), b"\x03"))])
MOST_COMMANDS = 1200


class Mangler(PaperCard):
    """A paper card one of whose answers is changed on its way.

    :param at: which answer, from 0.  :param change: what becomes of it.
    """

    def __init__(self, at: int, change, aip: str) -> None:
        super().__init__(aip)
        self.at = at
        self.change = change

    def transmit(self, command: bytes) -> bytes:
        answer = super().transmit(command)
        return self.change(answer) if len(self.sent) - 1 == self.at else answer


@st.composite
def changes(draw):
    """Draw something that can happen to an answer: cut, flipped, grown, doubled, another one."""
    kind = draw(st.sampled_from(["cut", "flip", "grow", "twice", "other", "status", "value"]))
    number = draw(st.integers(0, 255))
    extra = draw(st.binary(max_size=12))
    sw = draw(st.sampled_from([b"\x90\x00", b"\x62\x83", b"\x69\x85", b"\x6a\x83", b"\x6d\x00", b"\x63\xc0"]))

    def change(answer: bytes) -> bytes:
        body = answer[:-2]
        place = number % max(len(body), 1)
        flipped = body[:place] + bytes((number ^ (body[place] if body else 0),)) + body[place + 1 :]
        return {
            "cut": body[:place] + sw,
            "flip": flipped + answer[-2:],
            "grow": body + extra + b"\x90\x00",
            "twice": body + body + answer[-2:],
            "other": extra + sw,
            "status": body + sw,
            "value": body[:place] + extra + body[place + len(extra) :] + answer[-2:],
        }[kind]

    return change


@given(
    at=st.integers(0, 24), change=changes(), aip=st.sampled_from(["3D00", "3C00", "5C00"]), contactless=st.booleans()
)
@settings(max_examples=80, deadline=None)
def test_terminal_survives_any_answer(at: int, change, aip: str, contactless: bool) -> None:
    card = Mangler(at, change, aip)
    purchase = Purchase(1000, datetime(2026, 5, 7, 12, 30, tzinfo=UTC), pin=Secret(b"1234", "PIN"))
    around = Surroundings(
        Settings(floor_limit=5000),
        purchase,
        CAPKS,
        lambda size: bytes(range(0x10, 0x10 + size)),
        FixedHost(b"00"),
        contactless=contactless,
    )
    result = run_transaction(Channel(LoopbackConnection(card, protocol=TransmissionProtocol.T1)), around)
    assert isinstance(result.outcome, Outcome)
    assert (result.outcome is Outcome.TERMINATED) == (result.error is not None)
    assert len(card.sent) < MOST_COMMANDS
    assert PAN not in "".join(line.text for line in result.lines)


@given(at=st.integers(0, 60), change=changes())
@settings(max_examples=30, deadline=None)
def test_look_survives_any_answer(at: int, change) -> None:
    card = Mangler(at, change, "3D00")
    try:
        document = dump.look(Channel(LoopbackConnection(card, protocol=TransmissionProtocol.T1)), date(2026, 5, 7))
    except CardError:
        return
    assert all(isinstance(line, str) for line in dump.lines(document))
    assert all(isinstance(value, str) for _, value in dump.places(document))
    assert len(card.sent) < MOST_COMMANDS
