"""The terminal against a card on paper: offline data authentication, what is wrong stands in the TVR and is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from cardkit.apps.emv.capk import CapkStore, CaPublicKey
from cardkit.apps.emv.terminal.run import Outcome
from cardkit.apps.emv.terminal.transaction import Mark

from .papercard import ACS, AID, PaperCard, h, t
from .till import CA, OFFLINE, TVR_ZERO, Host, offline_card, play, story, tvr


@pytest.mark.parametrize("aip", ["3D00", "3C00"])
def test_wrong_signature_fails(aip: str) -> None:
    card = offline_card(aip)
    card.spoil = lambda sdad: sdad[:-1] + bytes((sdad[-1] ^ 1,))
    result = play(card)
    assert result.outcome is Outcome.DECLINED_OFFLINE
    assert result.transaction.flagged("CDA failed" if aip == "3D00" else "DDA failed")
    assert any("header or trailer" in line.text for line in result.lines if line.mark is Mark.PROBLEM)


@pytest.mark.parametrize("broken", [b"", bytes(176)])
def test_wrong_static_signature_fails(broken: bytes) -> None:
    card = offline_card("5C00")
    card.more["93"] = broken
    result = play(card)
    assert result.transaction.flagged("SDA failed")
    assert result.transaction.flagged("ICC data missing") == (not broken)
    assert play(card, capks=CapkStore()).transaction.flagged("SDA failed")


def test_expired_ca_key_is_not_used() -> None:
    old = CapkStore([CaPublicKey(AID[:5], 0x92, CA, expires=date(2026, 5, 6))])
    result = play(offline_card(), capks=old)
    assert "CA public key AFFFFFFFFF 92 expired on 2026-05-06" in story(result)
    assert result.transaction.flagged("CDA failed")


def test_xda_is_not_known_and_said() -> None:
    result = play(offline_card("BC00"))
    assert result.transaction.method == "DDA"
    assert "XDA" in story(result)


def test_wrong_signature_with_an_arqc_ends_without_the_issuer() -> None:
    card = PaperCard()
    card.spoil = lambda sdad: sdad[::-1]
    host = Host()
    result = play(card, amount=6000, host=host)
    assert result.outcome is Outcome.DECLINED_OFFLINE
    assert host.asked == []
    assert card.sent[-1][:3] == h("80AE00")
    assert result.transaction.data[h("8A")] == b"Z1"


def test_unsigned_cryptogram_where_cda_was_asked_for_is_refused() -> None:
    card = offline_card()
    card.lies["80AE"] = [t("80", "40 0001", ACS[0x40]) + b"\x90\x00"]
    result = play(card)
    assert result.outcome is Outcome.DECLINED_OFFLINE
    assert result.transaction.flagged("CDA failed")
    assert "no signature (9F4B) where CDA was asked for" in story(result)


@pytest.mark.parametrize("signs", [True, False])
def test_aac_may_come_signed_or_not(signs: bool) -> None:
    card = PaperCard()
    card.wants = [0x00, 0x00]
    card.sign_aac = signs
    result = play(card)
    assert result.outcome is Outcome.DECLINED_OFFLINE
    assert tvr(result) == TVR_ZERO


def test_tag_list_other_than_the_aip_fails() -> None:
    card = offline_card()
    card.tag_list = h("8294")
    result = play(card)
    assert tvr(result) == "0400000000"
    assert "static data tag list 9F4A: 8294, expected 82" in story(result)


def test_no_ca_key() -> None:
    result = play(offline_card(), capks=CapkStore())
    assert tvr(result)[:2] == "04"
    assert "no CA public key AFFFFFFFFF 92" in story(result)
    assert result.outcome is Outcome.DECLINED_OFFLINE


def test_missing_objects_are_icc_data_missing() -> None:
    card = offline_card()
    card.afl = h("08010100 10010101 10030500")
    result = play(card)
    assert result.transaction.flagged("ICC data missing")
    assert result.transaction.flagged("CDA failed")
    assert "objects for CDA are missing: 8F, 9F32" in story(result)


def test_changed_record_is_noticed() -> None:
    card = offline_card()
    honest = card.records()[(2, 4)]
    card.values["9F07"] = h("FF00")
    card.lies["00B20414"] = [honest + b"\x90\x00"]
    result = play(card)
    assert result.transaction.flagged("CDA failed")
    assert any("ICC certificate: hash" in line.text for line in result.lines)


def test_no_common_method() -> None:
    result = play(offline_card(), settings=replace(OFFLINE, capabilities=h("E0F800")))
    assert tvr(result) == "8000000000"


def test_ddol_without_the_unpredictable_number_fails() -> None:
    card = offline_card("3C00")
    card.more["9F49"] = h("9A03")
    result = play(card)
    assert result.transaction.flagged("DDA failed")
