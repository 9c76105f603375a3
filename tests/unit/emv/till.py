"""A terminal at a till: one purchase with a card on paper, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime

from cardkit.apps.emv.capk import CapkStore, CaPublicKey
from cardkit.apps.emv.terminal.host import OnlineAnswer, OnlineRequest
from cardkit.apps.emv.terminal.run import Result, run_transaction
from cardkit.apps.emv.terminal.settings import (
    Purchase,
    Settings,
)
from cardkit.apps.emv.terminal.transaction import Surroundings
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection

from .papercard import AID, ISSUER_MADE, PaperCard, h

NOW = datetime(2026, 5, 7, 12, 30, tzinfo=UTC)
CA = RsaPublicKey(h(ISSUER_MADE["in"]["ca_key"]["n"]), b"\x03")
CAPKS = CapkStore([CaPublicKey(AID[:5], 0x92, CA, test=True)])
PIN = b"1234"
OFFLINE = Settings(floor_limit=5000)
TVR_ZERO = "0000000000"


class Host:
    """An issuer that answers what it is told, and keeps what it was asked."""

    def __init__(self, code: bytes = b"00", authentication: str = "1122334455667788 3030", *scripts: bytes) -> None:
        self.reply = OnlineAnswer(code, h(authentication), scripts, ("looked at it",))
        self.asked: list[OnlineRequest] = []

    def answer(self, request: OnlineRequest) -> OnlineAnswer:
        self.asked.append(request)
        return self.reply


def play(card: PaperCard, *, amount: int = 1000, pin: bytes | None = PIN, contactless: bool = False, **given) -> Result:
    purchase = Purchase(amount, NOW, pin=Secret(pin, "PIN") if pin else None)
    purchase = given.get("purchase", purchase)
    around = Surroundings(
        given.get("settings", OFFLINE),
        purchase,
        given.get("capks", CAPKS),
        lambda size: bytes(range(0x10, 0x10 + size)),
        given.get("host"),
        online=given.get("online", True),
        contactless=contactless,
    )
    channel = Channel(LoopbackConnection(card, protocol=TransmissionProtocol.T1))
    return run_transaction(channel, around)


def tvr(result: Result) -> str:
    return result.transaction.tvr.to_bytes(5, "big").hex().upper()


def tsi(result: Result) -> str:
    return result.transaction.tsi.to_bytes(2, "big").hex().upper()


def story(result: Result) -> str:
    return "\n".join(line.text for line in result.lines)


def cvm_results(result: Result) -> str:
    return result.transaction.data[h("9F34")].hex().upper()


def offline_card(aip: str = "3D00") -> PaperCard:
    card = PaperCard(aip)
    card.wants = [0x40, 0x40]
    return card
