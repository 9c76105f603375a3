"""The terminal against a card on paper: whole transactions, each decision of the standard, and cards that lie."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from cardkit.apps.emv.aids import PSE
from cardkit.apps.emv.capk import CapkStore, CaPublicKey
from cardkit.apps.emv.terminal.host import OnlineAnswer, OnlineRequest
from cardkit.apps.emv.terminal.run import Outcome, Result, run_transaction
from cardkit.apps.emv.terminal.settings import (
    ActionCodes,
    Purchase,
    RandomSelection,
    Settings,
    TerminalType,
    TransactionType,
)
from cardkit.apps.emv.terminal.transaction import Mark, Surroundings
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.errors import EncodingError
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection

from .papercard import ACS, AID, ICC_MADE, ISSUER_MADE, PAN, PaperCard, h, icc_certificate, pin_certificate, signed, t

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


# Whole transactions


def test_paper_card_has_the_certificate_of_the_vector() -> None:
    # Bit for bit what the test PKI made: the card on paper is no invention of ours.
    assert icc_certificate(h(ICC_MADE["in"]["static_data"])) == h(ICC_MADE["out"]["tag_9F46"])


@pytest.mark.parametrize(("aip", "method"), [("3D00", "CDA"), ("3C00", "DDA"), ("3900", "CDA")])
def test_good_card_is_approved_offline_with_a_clean_tvr(aip: str, method: str) -> None:
    result = play(offline_card(aip))
    assert result.outcome is Outcome.APPROVED_OFFLINE
    assert tvr(result) == TVR_ZERO
    assert tsi(result) == "E800"
    assert result.transaction.method == method
    assert result.transaction.card_data[h("9F26")] == ACS[0x40]
    assert result.transaction.data[h("9F4C")] == h("000801")
    assert cvm_results(result) == "440302"


def test_static_signature_is_checked() -> None:
    card = offline_card("5C00")
    content = h("0301 4444").ljust(len(h(ICC_MADE["in"]["issuer_key"]["n"])) - 22, b"\xbb")
    card.more["93"] = signed(ICC_MADE["in"]["issuer_key"], content, card.static)
    result = play(card, settings=OFFLINE)
    assert result.outcome is Outcome.APPROVED_OFFLINE
    assert tvr(result) == "0200000000"  # SDA selected
    assert result.transaction.data[h("9F45")] == h("4444")


def test_online_transaction_goes_through_both_cryptograms() -> None:
    card = PaperCard()
    host = Host()
    result = play(card, amount=6000, host=host)
    assert result.outcome is Outcome.APPROVED_ONLINE
    assert tvr(result) == "0000008000"
    assert tsi(result) == "F800"
    (request,) = host.asked
    assert request.values[h("9F26")] == ACS[0x80]
    assert request.values[h("9F36")] == h("0001")
    assert request.values[h("5A")] == h(PAN)
    assert request.cdol1_data == card.cdol1_data
    assert request.pin is None  # the PIN went to the card
    second = card.sent[-1]
    assert second[:5] == h("80AE50001 5".replace(" ", ""))
    assert second[5:-1] == h("3030 11223344556677883030 0000008000 10111213")


def test_issuer_authentication_goes_by_its_own_command_where_the_card_wants_it() -> None:
    card = PaperCard()
    card.issuer = h("6300")
    result = play(card, amount=6000, host=Host())
    assert card.sent[-2] == h("0082000 00A 1122334455667788 3030".replace(" ", ""))
    assert tvr(result) == "0000008040"
    assert result.outcome is Outcome.APPROVED_ONLINE  # the card's word counts, and it said TC


def test_without_aip_bit_authentication_goes_through_cdol2() -> None:
    card = PaperCard("3900")
    result = play(card, amount=6000, host=Host())
    assert not [command for command in card.sent if command[1] == 0x82]
    assert tsi(result) == "E800"


def test_issuer_declines() -> None:
    card = PaperCard()
    result = play(card, amount=6000, host=Host(b"05", ""))
    assert result.outcome is Outcome.DECLINED_ONLINE
    assert card.sent[-1][:3] == h("80AE00")
    assert result.transaction.tsi & 0x1000 == 0


def test_scripts_run_before_and_after() -> None:
    before = t("71", t("9F18", "00000001"), t("86", "841E000004 11223344"))
    after = t("72", t("86", "8424000004 55667788"), t("86", "8418000004 99AABBCC"))
    card = PaperCard()
    card.lies["8424"] = [h("6982")]
    result = play(card, amount=6000, host=Host(b"00", "", before, after))
    sent = [command.hex().upper() for command in card.sent]
    assert sent.index("841E00000411223344") < sent.index(next(each for each in sent if each.startswith("80AE50")))
    assert sent[-1] == "842400000455667788"  # the one after the refusal is not sent
    assert tvr(result) == "0000008010"
    assert result.transaction.data[h("9F5B")] == h("20 00000001 11 00000000")


@pytest.mark.parametrize("script", ["7103860284", "71028600", "7200"])
def test_malformed_script_is_no_command(script: str) -> None:
    result = play(PaperCard(), amount=6000, host=Host(b"00", "", h(script)))
    assert result.outcome is Outcome.APPROVED_ONLINE
    assert bool(result.transaction.tvr & 0x30) == (script != "7200")


def test_unable_to_go_online_decides_by_default_codes() -> None:
    card = PaperCard()
    card.values["9F0D"] = bytes(5)
    result = play(card, amount=6000)
    assert result.outcome is Outcome.APPROVED_OFFLINE
    assert result.transaction.data[h("8A")] == b"Y3"
    card = PaperCard()
    result = play(card, amount=6000)
    assert result.outcome is Outcome.DECLINED_OFFLINE
    assert result.transaction.data[h("8A")] == b"Z3"


def test_every_list_of_the_card_is_answered_from_the_terminal() -> None:
    card = offline_card()
    result = play(card)
    assert card.pdol_data == h("0860 E0F8C8")
    wanted = "000000001000 000000000000 0860 0000000000 0860 260507 00 10111213 440302"
    assert card.cdol1_data == h(wanted)
    assert result.transaction.cdol1_data == card.cdol1_data


# Selection


def test_card_without_directory_is_asked_by_name() -> None:
    card = offline_card()
    card.lies["00A404000E" + PSE.hex().upper()] = [h("6A82")]
    result = play(card, settings=replace(OFFLINE, applications=(AID[:5],)))
    assert result.outcome is Outcome.APPROVED_OFFLINE
    assert "no directory" in story(result)


def test_terminal_takes_only_its_own_applications() -> None:
    result = play(offline_card(), settings=replace(OFFLINE, applications=(h("A0000000031010"),)))
    assert result.outcome is Outcome.TERMINATED
    assert "none of the terminal's" in story(result)


def test_application_that_refuses_is_dropped() -> None:
    card = offline_card()
    card.lies["80A8"] = [h("6985")]
    result = play(card)
    assert result.outcome is Outcome.TERMINATED
    assert str(result.error) == "no application is left"


def test_directory_that_breaks_off_is_remembered() -> None:
    card = offline_card()
    card.lies["00B2020C"] = [h("6A82")]
    result = play(card)
    assert result.outcome is Outcome.APPROVED_OFFLINE
    assert "directory unusable" in story(result)


@pytest.mark.parametrize(
    ("lies", "said"),
    [
        ({"00A404000E31": ["6A81"]}, "blocked, or cannot select by name"),
        ({"00A404000E31": ["6A82"], "00A40400": ["6A81"]}, "it is blocked"),
        ({"00A40400 07 AFFFFFFFFF1234": ["6F0984 07 AFFFFFFFFF1234 6283"]}, "no application is left"),
        ({"00A40400 07 AFFFFFFFFF1234": ["6A82"]}, "no application is left"),
    ],
)
def test_blocked_cards_and_applications(lies: dict[str, list[str]], said: str) -> None:
    card = offline_card()
    card.lies = {command: [h(answer) for answer in answers] for command, answers in lies.items()}
    result = play(card)
    assert result.outcome is Outcome.TERMINATED
    assert said in str(result.error)


# Offline data authentication: what is wrong stands in the TVR and is said


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


# Cards that lie: every one is told apart, none gets through, none hangs us

RECORD_1 = "00B2010C"


@pytest.mark.parametrize(
    ("lies", "said"),
    [
        ({"80A8": ["8004 3D00 0801 9000"]}, "AFL: got 2 bytes"),
        ({"80A8": ["7704 82 02 3D00 9000"]}, "mandatory objects are missing"),
        ({"80A8": ["80 06 3D00 00010100 9000"]}, "SFI 0"),
        ({"80A8": ["80 06 3D00 08020100 9000"]}, "records 2 to 1"),
        ({"80A8": ["80 06 3D00 0801FF00 9000"]}, "mandatory|6A83"),
        ({"80A8": ["80 0E 3D00 0801FF00 1001FF00 1801FF00 9000"]}, "names 765 records"),
        ({"80A8": ["9000"]}, "got nothing, expected one template 80 or 77"),
        ({"80A8": ["7703 82023D 9000"]}, "announces|ends"),
        ({"80A8": ["770A 82023D00 82023D00 9400 9000"]}, "twice"),
        ({"80A8": ["7705 82013D 9400 9000"]}, "AIP of 1 bytes"),
        ({"80A8": ["6700"]}, "card answered 6700"),
        ({"80A8": ["77 04 82023D00 00 8000 9000"]}, "expected one template"),
        ({"00B20114": ["9F360100 9000"]}, "got 9F36, expected one template 70"),
        ({"00B20114": ["70009F3600 9000"]}, "expected one template 70 and nothing else"),
        ({"00B20114": ["7003 5A0812 9000"]}, "announces"),
        ({"00B20114": ["7004 5A80 1200 9000"]}, "80|indefinite|length"),
        ({"00B20114": ["70 06 5A0112 5A0112 9000"]}, "there a second time"),
        ({"00B20114": ["70 06 5A0112 820112 9000"]}, "there a second time"),
        ({"00B20114": ["6A83"]}, "card answered 6A83"),
        ({"00B20114": ["9000"]}, "got nothing"),
        ({"80AE": ["9000"]}, "expected one template 80 or 77"),
        ({"80AE": ["80 0B C0 0001 4040404040404040 9000"]}, "names no kind"),
        ({"80AE": ["80 03 40 0001 9000"]}, "neither cryptogram|lengths"),
        ({"80AE": ["7708 9F270140 9F360101 9000"]}, "lengths are"),
        ({"80AE": ["770A 9F270140 9F36020001 9000"]}, "announces|neither|ends"),
        ({"80AE": ["6985"]}, "card answered 6985"),
        ({"80AE": ["772F 9F270140 9F36020001 9F26084040404040404040 9F1021" + "00" * 33 + "9000"]}, "announces|IAD 33"),
    ],
)
def test_lies_are_declared_errors(lies: dict[str, list[str]], said: str) -> None:
    card = offline_card("3C00")
    card.lies = {command: [h(answer) for answer in answers] for command, answers in lies.items()}
    result = play(card)
    assert result.outcome is Outcome.TERMINATED
    assert re.search(said, str(result.error)), result.error
    assert result.lines[-1].mark is Mark.PROBLEM


@pytest.mark.parametrize(("asked", "answered"), [("AAC", "40"), ("AAC", "80"), ("ARQC", "40")])
def test_card_that_grants_more_than_asked_is_refused(asked: str, answered: str) -> None:
    card = offline_card("3C00")
    card.lies["80AE"] = [t("80", answered, "0001", bytes(8)) + b"\x90\x00"]
    codes = ActionCodes(denial=h("0000008000")) if asked == "AAC" else ActionCodes()
    result = play(card, settings=replace(OFFLINE, floor_limit=0, action_codes=codes))
    assert result.outcome is Outcome.TERMINATED
    assert f"asked for {asked}, card answered" in str(result.error)


def test_object_in_two_records_is_refused() -> None:
    card = offline_card("3C00")
    card.lies["00B20514"] = [t("70", t("9F08", "0096"), t("5F24", "291231")) + h("9000")]
    result = play(card)
    assert "record 5 of SFI 2: 5F24 (Application Expiration Date) is there a second time" in str(result.error)


def test_objects_of_an_answer_may_come_in_any_order() -> None:
    # What is hashed for CDA is what was sent, in the order it was sent.
    card = offline_card()
    card.answer_order = ("9F10", "9F4B", "9F36", "9F27")
    result = play(card)
    assert result.outcome is Outcome.APPROVED_OFFLINE
    assert tvr(result) == TVR_ZERO


def test_record_of_a_payment_system_may_be_anything() -> None:
    card = offline_card("3C00")
    card.afl = h("08010100 10010501 58010100")
    card.lies["00B2015C"] = [h("DEADBEEF 9000")]
    assert play(card).outcome is Outcome.APPROVED_OFFLINE


@pytest.mark.parametrize("missing", ["5A", "5F24"])
def test_mandatory_objects(missing: str) -> None:
    card = offline_card("3C00")
    del card.values[missing]
    result = play(card)
    assert result.outcome is Outcome.TERMINATED
    assert f"mandatory objects are missing: {missing}" in str(result.error)


def test_second_list_is_mandatory_by_contact() -> None:
    card = offline_card("3C00")
    card.has_cdol2 = False
    assert "mandatory objects are missing: 8D" in str(play(card).error)


def test_malformed_lists_are_the_cards_fault() -> None:
    card = offline_card("3C00")
    card.cdol1 = h("9F02")
    assert "(CDOL1): DOL ends" in str(play(card).error)
    card = offline_card("3C00")
    card.pdol = h("9F3802 9F")
    assert "PDOL (9F38): DOL ends" in str(play(card).error)
    card = offline_card("3C00")
    card.values["8E"] = bytes(8) + h("1F0342")
    assert "expected an even number" in str(play(card).error)


def test_lists_that_ask_for_too_much_are_refused() -> None:
    card = offline_card("3C00")
    card.cdol1 = h("9F02FF 9A03")
    assert "(CDOL1): DOL asks for 258 bytes, expected 252 or fewer" in str(play(card).error)
    card = offline_card("3C00")
    card.pdol = h("9F02FF")
    assert "PDOL (9F38): DOL asks for 255 bytes" in str(play(card).error)
    card = offline_card("3C00")
    card.more["9F49"] = h("9F37FF")
    assert play(card).transaction.flagged("DDA failed")


def test_card_whose_applications_never_end() -> None:
    card = offline_card()
    names = [t("6F", t("84", AID, bytes((number,)))) + b"\x90\x00" for number in range(30)]
    card.lies = {"00A404000E31": [h("6A82")], "00A404": names}
    result = play(card, settings=replace(OFFLINE, applications=(AID,)))
    assert result.outcome is Outcome.TERMINATED
    assert "more than 16 applications" in str(result.error)


def test_directory_that_never_ends_is_left() -> None:
    card = offline_card()
    entry = t("70", t("61", t("4F", AID))) + b"\x90\x00"
    card.lies["00B2"] = [entry] * 255
    result = play(card)
    assert result.transaction.aid == AID
    assert len([command for command in card.sent if command[1] == 0xB2]) >= 255


def test_answer_that_never_ends_is_declared() -> None:
    card = offline_card()
    card.lies["00C0"] = [h("6110")] * 1000
    card.lies["80A8"] = [h("6110")]
    result = play(card)
    assert result.outcome is Outcome.TERMINATED


def test_every_step_names_its_clause() -> None:
    after = t("72", t("86", "8424000004 55667788"))
    for card in (PaperCard(), PaperCard("3C00"), PaperCard("5C00")):
        result = play(card, amount=6000, host=Host(b"00", "1122334455667788 3030", after))
        assert [line.text for line in result.lines if not line.clause or not line.phase] == []


def test_nothing_of_the_cardholder_is_told() -> None:
    result = play(offline_card())
    assert PAN not in story(result)
    assert PAN[6:12] not in repr(result.lines)
    assert "123456******5608" in story(result)


# What a terminal is given


def test_impossible_purchases_are_refused() -> None:
    with pytest.raises(EncodingError, match="amount -1"):
        Purchase(-1, NOW)
    with pytest.raises(EncodingError, match="PIN: 3 digits"):
        Purchase(1, NOW, pin=Secret(b"123", "PIN"))
    with pytest.raises(EncodingError, match="action code online"):
        ActionCodes(online=b"")
