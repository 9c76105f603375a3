"""The terminal against a card on paper: whole transactions, and how an application is selected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardkit.apps.emv.aids import PSE
from cardkit.apps.emv.terminal.run import Outcome

from .papercard import ACS, AID, ICC_MADE, PAN, PaperCard, h, icc_certificate, signed, t
from .till import OFFLINE, TVR_ZERO, Host, cvm_results, offline_card, play, story, tsi, tvr

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
