"""The terminal against a card on paper: restrictions, cardholder verification, risk management, action analysis."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from cardkit.apps.emv.terminal.settings import (
    ActionCodes,
    Purchase,
    RandomSelection,
    Settings,
    TerminalType,
    TransactionType,
)
from cardkit.crypto import Secret

from .papercard import PaperCard, h, pin_certificate, t
from .till import NOW, OFFLINE, PIN, TVR_ZERO, Host, cvm_results, offline_card, play, story, tvr

# Restrictions


@pytest.mark.parametrize(
    ("tag", "value", "wanted"),
    [
        ("9F08", "0097", "0080000000"),
        ("5F25", "270101", "0020000000"),
        ("9F07", "FF00", TVR_ZERO),
        ("9F07", "FE80", "0010000000"),
        ("9F07", "5780", "0010000000"),
    ],
)
def test_restrictions(tag: str, value: str, wanted: str) -> None:
    card = offline_card("3C00")
    (card.values if tag in card.values else card.more)[tag] = h(value)
    result = play(card, settings=replace(OFFLINE, versions=(h("0096"),)))
    assert tvr(result) == wanted


def test_expired_card() -> None:
    card = offline_card()
    card.values["5F24"] = h("260430")
    result = play(card)
    assert tvr(result) == "0040000000"


def test_card_is_valid_on_its_last_day() -> None:
    card = offline_card()
    card.values["5F24"] = h("260507")
    assert tvr(play(card)) == TVR_ZERO


@pytest.mark.parametrize(
    ("kind", "auc", "wanted"),
    [
        (TransactionType.CASH, "8180", False),
        (TransactionType.CASH, "7F80", True),
        (TransactionType.CASHBACK, "2180", False),
        (TransactionType.CASHBACK, "2100", True),
        (TransactionType.GOODS, "0900", False),
        (TransactionType.GOODS, "5700", True),
        (TransactionType.REFUND, "0100", False),
    ],
)
def test_usage_control_by_service(kind: TransactionType, auc: str, wanted: bool) -> None:
    card = offline_card("3C00")
    card.values["9F07"] = h(auc)
    result = play(card, purchase=Purchase(1000, NOW, type=kind, pin=Secret(PIN, "PIN")))
    assert result.transaction.flagged("requested service not allowed for card product") == wanted


def test_international_atm() -> None:
    card = offline_card("3C00")
    card.values["9F07"] = h("8200")
    atm = replace(OFFLINE, type=TerminalType.BANK_UNATTENDED, country=398)
    purchase = Purchase(1000, NOW, type=TransactionType.CASH, pin=Secret(PIN, "PIN"))
    assert play(card, settings=atm, purchase=purchase).transaction.flagged(
        "requested service not allowed for card product"
    )
    card = offline_card("3C00")
    card.values["9F07"] = h("4200")
    result = play(card, settings=atm, purchase=purchase)
    assert not result.transaction.flagged("requested service not allowed for card product")


# Cardholder verification


@pytest.mark.parametrize(
    ("rules", "given", "results", "wanted"),
    [
        ("4103", {}, "410302", TVR_ZERO),
        ("4303", {}, "430300", TVR_ZERO),
        ("4203", {}, "420300", "0000040000"),
        ("5E03", {}, "5E0300", TVR_ZERO),
        ("1F00", {}, "1F0002", TVR_ZERO),
        ("0000", {}, "000001", "0000800000"),
        ("4103 1F03", {"pin": None}, "1F0302", "0000080000"),
        ("0103 1F03", {"pin": None}, "010301", "0000880000"),
        ("4203", {"pin": None}, "420301", "0000880000"),
        ("6000 1F03", {}, "1F0302", "0000400000"),
        ("2000 1F03", {}, "200001", "0000C00000"),
        ("4701 1F03", {}, "1F0302", TVR_ZERO),
        ("4700 1F03", {}, "1F0302", TVR_ZERO),
        ("4101", {}, "3F0001", "0000800000"),
        ("410A", {}, "3F0001", "0000800000"),
        ("4104 4105", {}, "3F0001", "0000800000"),
        ("1F02", {}, "1F0202", TVR_ZERO),
    ],
)
def test_cvm_rules(rules: str, given: dict[str, object], results: str, wanted: str) -> None:
    card = offline_card("3C00")
    card.values["8E"] = bytes(8) + h(rules)
    result = play(card, **given)
    assert cvm_results(result) == results
    assert tvr(result) == wanted


@pytest.mark.parametrize(
    ("condition", "amount", "applies"),
    [
        ("06", 999, True),
        ("06", 1000, False),
        ("07", 1001, True),
        ("07", 1000, False),
        ("08", 199, True),
        ("09", 201, True),
    ],
)
def test_cvm_amounts(condition: str, amount: int, applies: bool) -> None:
    card = offline_card("3C00")
    card.values["8E"] = h("000003E8 000000C8") + h(f"5E{condition}") + h("1F03")
    assert cvm_results(play(card, amount=amount)) == (f"5E{condition}00" if applies else "1F0302")
    card = offline_card("3C00")
    card.values["8E"] = h("000003E8 000000C8") + h(f"5E{condition}") + h("1F03")
    card.more["9F42"] = h("0978")
    assert cvm_results(play(card, amount=amount)) == "1F0302"


def test_unsupported_pin_pad() -> None:
    card = offline_card("3C00")
    card.values["8E"] = bytes(8) + h("4100 1F03")
    result = play(card, settings=replace(OFFLINE, capabilities=h("E028C8")))
    assert tvr(result) == "0000100000"


@pytest.mark.parametrize("aip", ["3C00", "1000"])
def test_pin_is_enciphered_under_its_own_certificate(aip: str) -> None:
    card = offline_card(aip)
    card.values["8E"] = bytes(8) + h("0403")
    card.more |= {"9F2D": pin_certificate(), "9F2E": h("03")}
    result = play(card)
    assert cvm_results(result) == "040302"
    (presented,) = [command for command in card.sent if command[1] == 0x20]
    assert presented[:5] == h("00200088 80")


@pytest.mark.parametrize(
    "break_it",
    [
        lambda card: card.more.update({"9F2D": pin_certificate()[::-1], "9F2E": h("03")}),
        lambda card: card.more.update({"8F": b""}) or card.lies.update({"00B20214": [t("70") + h("9000")]}),
        lambda card: card.lies.update({"0084": [h("6D00")]}),
    ],
)
def test_pin_that_cannot_be_enciphered_fails_and_the_next_rule_applies(break_it) -> None:
    card = offline_card("1000")
    card.values["8E"] = bytes(8) + h("4403 1F03")
    break_it(card)
    assert cvm_results(play(card)) == "1F0302"
    assert not [command for command in card.sent if command[1] == 0x20]


def test_wrong_pin_is_presented_once() -> None:
    card = offline_card("3C00")
    result = play(card, pin=b"9999")
    assert card.data["9F17"] == b"\x02"  # the list names PIN twice
    assert "not presented again" in story(result)
    assert "9999" not in story(result)


def test_blocked_pin_is_not_presented() -> None:
    card = offline_card("3C00")
    card.data["9F17"] = b"\x00"
    result = play(card)
    assert not [command for command in card.sent if command[1] == 0x20]
    assert result.transaction.flagged("PIN try limit exceeded")


def test_last_try_lost_is_the_limit() -> None:
    card = offline_card("3C00")
    card.data["9F17"] = b"\x01"
    assert play(card, pin=b"9999").transaction.flagged("PIN try limit exceeded")


def test_online_pin_goes_to_the_host() -> None:
    card = PaperCard()
    card.values["8E"] = bytes(8) + h("4203")
    host = Host()
    play(card, amount=6000, host=host)
    assert host.asked[0].pin == Secret(PIN, "PIN")


def test_missing_cvm_list_is_icc_data_missing() -> None:
    card = offline_card("3C00")
    del card.values["8E"]
    result = play(card)
    assert tvr(result) == "2000000000"
    assert cvm_results(result) == "3F0000"


# Risk management


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({"9F36": "0005", "9F13": "0002"}, TVR_ZERO),
        ({"9F36": "0006", "9F13": "0002"}, "0000004000"),
        ({"9F36": "0008", "9F13": "0002"}, "0000006000"),
        ({"9F36": "0001", "9F13": "0000"}, "0008000000"),
        ({"9F36": "0002", "9F13": "0002"}, "0000006000"),
        ({}, "0000006000"),
    ],
)
def test_velocity(data: dict[str, str], wanted: str) -> None:
    card = offline_card("3C00")
    card.more |= {"9F14": h("03"), "9F23": h("05")}
    card.data = {"9F17": h("03")} | {tag: h(value) for tag, value in data.items()}
    assert tvr(play(card)) == wanted


@pytest.mark.parametrize(("percent", "drawn"), [(6, False), (7, True)])
def test_random_selection(percent: int, drawn: bool) -> None:
    # The test's random number is 10111213 of 2^32: 6.27 per cent.
    settings = replace(OFFLINE, random_selection=RandomSelection(percent, percent, 0))
    result = play(offline_card("3C00"), settings=settings)
    assert result.transaction.flagged("transaction selected randomly for online processing") == drawn


def test_biased_selection_grows_with_the_amount() -> None:
    settings = replace(OFFLINE, random_selection=RandomSelection(0, 50, 1000))
    name = "transaction selected randomly for online processing"
    assert not play(offline_card("3C00"), amount=1400, settings=settings).transaction.flagged(name)
    assert play(offline_card("3C00"), amount=2000, settings=settings).transaction.flagged(name)


# Action analysis


@pytest.mark.parametrize(
    ("settings", "p1"),
    [
        (OFFLINE, "40"),
        (replace(OFFLINE, force_online=True), "80"),
        (replace(OFFLINE, type=TerminalType.MERCHANT_ATTENDED_ONLINE), "80"),
        (replace(OFFLINE, type=TerminalType.MERCHANT_ATTENDED_OFFLINE), "40"),
        (replace(OFFLINE, floor_limit=0), "80"),
        (replace(OFFLINE, floor_limit=0, type=TerminalType.MERCHANT_ATTENDED_OFFLINE), "00"),
        (replace(OFFLINE, floor_limit=0, action_codes=ActionCodes(denial=h("0000008000"))), "00"),
    ],
)
def test_what_the_terminal_asks_for(settings: Settings, p1: str) -> None:
    card = offline_card("3C00")
    card.values["9F0D"] = h("0000008000")
    play(card, settings=settings)
    first = next(command for command in card.sent if command[1] == 0xAE)
    assert f"{first[2]:02X}" == p1


def test_tdol_is_hashed() -> None:
    card = offline_card("3C00")
    card.cdol1 = h("9814 9F3704")
    card.more["97"] = h("9F0206 9F3704")
    assert not play(card).transaction.flagged("default TDOL used")
    assert card.cdol1_data == hashlib.sha1(h("000000001000 10111213")).digest() + h("10111213")
    card = offline_card("3C00")
    card.cdol1 = h("9814")
    result = play(card, settings=replace(OFFLINE, tdol=h("9F1A02")))
    assert card.cdol1_data == hashlib.sha1(h("0860")).digest()
    assert tvr(result) == "0000000080"
