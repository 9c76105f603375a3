"""What ``cardkit info`` and ``dump`` show of a payment card: read without a transaction, the holder masked."""

from __future__ import annotations

from datetime import date

import pytest

from cardkit.apps.emv import dump
from cardkit.apps.emv.look import COMMON_AIDS
from cardkit.channel import Channel
from cardkit.errors import CardError
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection

from .papercard import AID, PAN, PaperCard, h, t

TODAY = date(2026, 5, 7)
AID_TEXT = AID.hex().upper()


def look(card: PaperCard) -> dict:
    return dump.look(Channel(LoopbackConnection(card, protocol=TransmissionProtocol.T1)), TODAY)


def test_card_is_read_without_a_transaction() -> None:
    card = PaperCard()
    document = look(card)
    assert document["class"] == "payment"
    (application,) = document["payment"]["applications"]
    assert application["aid"] == AID_TEXT
    assert [(each["sfi"], each["record"]) for each in application["records"]] == [
        (1, 1), (2, 1), (2, 2), (2, 3), (2, 4), (2, 5),
    ]  # fmt: skip
    assert [each["tag"] for each in application["data"]] == ["9F36", "9F13", "9F17"]
    assert {command[1] for command in card.sent} == {0xA4, 0xB2, 0xCA}  # nothing that moves a counter
    assert card.count == 0


def test_nothing_of_the_holder_is_shown() -> None:
    document = look(PaperCard())
    assert PAN not in repr(document)
    assert "123456******5608" in "\n".join(dump.lines(document))
    assert "5A" not in "\n".join(dump.lines(dump.public(document)))


def test_lines_are_a_tree() -> None:
    lines = list(dump.lines(look(PaperCard())))
    assert lines[:5] == [
        "  contact directory",
        "    6F File Control Information (FCI) Template",
        "      84 Dedicated File (DF) Name: 315041592E5359532E4444463031",
        "      A5 FCI Proprietary Template",
        "        88 Short File Identifier (SFI) of the directory: 01",
    ]
    assert f"  application {AID_TEXT}" in lines


def test_places_of_a_golden_card() -> None:
    ours, theirs = PaperCard(), PaperCard()
    theirs.values |= {"9F07": h("FF00"), "5A": h("1234560012345616")}
    left, right = (dict(dump.places(look(card))) for card in (ours, theirs))
    differing = {where for where in left if left[where] != right.get(where)}
    assert f"{AID_TEXT} 9F07#record 1 of SFI 2" in differing
    masked = dump.varying((AID,))
    assert {where for where in differing if not {where, where.partition("#")[0]} & masked} == {
        f"{AID_TEXT} 9F07#record 1 of SFI 2"
    }


def test_card_of_another_kind_is_none() -> None:
    card = PaperCard()
    card.lies["00A4"] = [h("6A82")] * (2 + len(COMMON_AIDS))
    with pytest.raises(CardError, match="6A82"):
        look(card)
    assert len(card.sent) == 2 + len(COMMON_AIDS)


@pytest.mark.parametrize(
    ("lies", "said"),
    [
        ({"00A404000E31": ["6F00 9000"]}, "1PAY.SYS.DDF01: SELECT: no DF name"),
        ({"00A404000E31": ["6F10 840E315041592E5359532E4444463031 9000"]}, "SFI of the directory (88) is missing"),
        ({"00B2010C": ["7003 6101 9000"]}, "directory record|announces"),
        ({"00A40400 07": ["6283", "6F00 9000"]}, "SELECT"),
    ],
)
def test_troubles_are_told_and_the_rest_is_read(lies: dict[str, list[str]], said: str) -> None:
    card = PaperCard()
    card.lies = {command.replace(" ", ""): [h(each) for each in answers] for command, answers in lies.items()}
    document = look(card)
    text = "\n".join(dump.lines(document))
    assert any(part in text for part in said.split("|"))
    assert "contactless directory" in text


def test_records_without_end_are_cut() -> None:
    card = PaperCard()
    card.lies["00B2"] = [t("70", t("9F08", "0096")) + b"\x90\x00"] * 2000
    document = look(card)
    records = document["payment"]["applications"][0]["records"] if document["payment"]["applications"] else []
    assert len(records) <= 255
    assert len(card.sent) < 1200


def test_bytes_that_are_no_objects_are_told() -> None:
    card = PaperCard()
    card.lies["00B2011C"] = [h("0102 9000")]
    lines = "\n".join(dump.lines(look(card)))
    assert "record 1 of SFI 3" in lines
    assert "no data objects" in lines
