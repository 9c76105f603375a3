"""Cards that lie to the terminal: every one is told apart, none gets through, none hangs us; and what it is given."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cardkit.apps.emv.terminal.run import Outcome
from cardkit.apps.emv.terminal.settings import (
    ActionCodes,
    Purchase,
)
from cardkit.apps.emv.terminal.transaction import Mark
from cardkit.crypto import Secret
from cardkit.errors import EncodingError

from .papercard import AID, PAN, PaperCard, h, t
from .till import NOW, OFFLINE, TVR_ZERO, Host, offline_card, play, story, tvr


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
