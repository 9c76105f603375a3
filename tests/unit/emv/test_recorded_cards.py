"""Whole transactions with what real cards once said: certificates, records and signatures recorded by proxmark3.

The terminal is given that day, that merchant and that unpredictable number; then every list it builds, every key it
recovers and every hash it computes must be those of the recording, or the signature does not verify.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cardkit.apps.emv.capk import CapkStore, CaPublicKey
from cardkit.apps.emv.template import parse_objects
from cardkit.apps.emv.terminal.run import Outcome, Result, run_transaction
from cardkit.apps.emv.terminal.settings import Purchase, Settings, TerminalType, TransactionType
from cardkit.apps.emv.terminal.transaction import Surroundings
from cardkit.channel import Channel
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection

from .papercard import h, t

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "emv_oda.json").read_text(encoding="utf-8"))
AID = h("A0000000041010")
OK = h("9000")
# The merchant of the recording: Russia, roubles, offline, a payment of nothing on 25 September 2014.
SETTINGS = Settings(
    country=643, currency=643, type=TerminalType.MERCHANT_ATTENDED_OFFLINE, floor_limit=1, capabilities=h("E0F8C8")
)
PURCHASE = Purchase(0, datetime(2014, 9, 25, 12, 0, tzinfo=UTC), type=TransactionType.PAYMENT)


def named(text: str) -> dict:
    return next(each for each in CASES if text in each["name"])


class RecordedCard:
    """Plays a recording: its records as they were signed, and the signature it gave."""

    def __init__(self, kind: str, more: bytes = b"") -> None:
        issuer = named(f"{kind}: issuer cert")["in"]
        signed = named("sda: ssad" if kind == "sda" else f"{kind}: icc cert")["in"]
        static = h(signed["static_data"])
        self.aip, self.static = static[-2:], static[:-2]
        self.capk = RsaPublicKey(h(issuer["ca_modulus"]), h(issuer["ca_exp"]))
        chain = t("8F", "05") + b"".join(t(tag, issuer[f"tag_{tag}"]) for tag in ("92", "9F32"))
        key = b"".join(t(tag, signed[f"tag_{tag}"]) for tag in ("9F46", "9F47", "93") if f"tag_{tag}" in signed)
        self.records = {
            h("00B2010C00"): t("70", self.static),
            h("00B2020C00"): t("70", chain),
            h("00B2030C00"): t("70", t("90", issuer["tag_90"])),
            h("00B2040C00"): t("70", key),
            h("00B2050C00"): t("70", more or t("9F08", "0002")),
        }
        self.sdad = h(named(f"{kind}: sdad")["in"]["tag_9F4B"]) if kind != "sda" else b""
        self.sent: list[bytes] = []

    def atr(self) -> bytes:
        return h("3B00")

    def power(self, cold: bool) -> None:
        del cold

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        if command[1] == 0xA4:
            name = command[5:-1]
            return t("6F", t("84", AID), t("A5", t("50", b"RECORDED"))) + OK if name == AID else h("6A82")
        if command[1] == 0xA8:
            return t("77", t("82", self.aip), t("94", "08010501")) + OK
        if command[1] == 0x88:
            return t("77", t("9F4B", self.sdad)) + OK
        if command[1] == 0xAE:
            return self.cryptogram(command) + OK
        return self.records[command] + OK if command in self.records else h("6A88")

    def cryptogram(self, command: bytes) -> bytes:
        if command[2] & 0x10:
            head = h(named("cda: sdad")["in"]["ac_response_tlv"])
            return t("77", head[:4], t("9F4B", self.sdad), head[4:])
        return t("80", "40 0010 0102030405060708")


def play(
    card: RecordedCard, unpredictable: str, settings: Settings = SETTINGS, purchase: Purchase = PURCHASE
) -> Result:
    capks = CapkStore([CaPublicKey(AID[:5], 0x05, card.capk)])
    around = Surroundings(
        replace(settings, applications=(AID,)), purchase, capks, lambda size: h(unpredictable)[:size].ljust(size)
    )
    return run_transaction(Channel(LoopbackConnection(card, protocol=TransmissionProtocol.T1)), around)


def test_recorded_cda() -> None:
    recorded = named("cda: sdad")
    card = RecordedCard("cda")
    result = play(card, recorded["in"]["terminal_un"])
    assert result.transaction.cdol1_data.hex().upper() == recorded["in"]["cdol1_data"]
    assert result.transaction.tvr == 0
    assert result.outcome is Outcome.APPROVED_OFFLINE
    assert result.transaction.card_data[h("9F26")].hex().upper() == recorded["out"]["ac"]
    assert result.transaction.data[h("9F4C")].hex().upper() == recorded["out"]["icc_dynamic_number"]
    certificate = result.transaction.icc_certificate
    assert certificate is not None
    assert certificate.key.modulus.hex().upper() == recorded["in"]["icc_modulus"]


@pytest.mark.parametrize(
    "purchase", [replace(PURCHASE, amount=1), replace(PURCHASE, moment=datetime(2014, 9, 26, tzinfo=UTC))]
)
def test_recorded_cda_is_of_that_transaction_alone(purchase: Purchase) -> None:
    card = RecordedCard("cda")
    result = play(card, named("cda: sdad")["in"]["terminal_un"], replace(SETTINGS, floor_limit=10), purchase)
    assert result.outcome is Outcome.DECLINED_OFFLINE
    assert result.transaction.flagged("CDA failed")
    assert any("transaction data hash" in line.text for line in result.lines)


def test_recorded_dda() -> None:
    card = RecordedCard("dda")
    settings = replace(SETTINGS, capabilities=h("E0F8C0"))  # no CDA
    result = play(card, named("dda: sdad")["in"]["dynamic_data"], settings)
    assert result.outcome is Outcome.APPROVED_OFFLINE
    assert result.transaction.tvr == 0
    assert result.transaction.data[h("9F4C")].hex().upper() == named("dda: sdad")["out"]["icc_dynamic_number"]
    assert h("0088000004 00000000 00") in card.sent


def test_recorded_dda_of_yesterday_is_refused() -> None:
    result = play(RecordedCard("dda"), "00000001", replace(SETTINGS, capabilities=h("E0F8C0")))
    assert result.transaction.flagged("DDA failed")
    assert any("SDAD: hash" in line.text for line in result.lines)


def test_recorded_sda() -> None:
    more = t("9F4A", "82") + t("8C", "9F3704") + t("8D", "8A02") + t("8E", "0000000000000000 1F00")
    card = RecordedCard("sda", more)
    # The card lived until the end of 2008.
    purchase = replace(PURCHASE, moment=datetime(2008, 12, 31, tzinfo=UTC))
    result = play(card, "00000000", purchase=purchase)
    assert result.transaction.data[h("9F45")].hex().upper() == named("sda: ssad")["out"]["dac"]
    assert result.transaction.tvr == 0x0200000000  # SDA selected, nothing else
    assert result.outcome is Outcome.APPROVED_OFFLINE


def test_recorded_static_data_are_the_cards_records() -> None:
    tags = [f"{item.tag:02X}" for item in parse_objects(RecordedCard("cda").static)]
    assert tags[:4] == ["5F25", "5F24", "5A", "5F34"]
    assert tags[-2:] == ["8C", "8D"]
