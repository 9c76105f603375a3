"""The phone book of a card: its files are those EF.PBR names, whatever their identifiers."""

from __future__ import annotations

from typing import Any

import pytest

from cardkit.apps.uicc.dump import tree_lines, walk
from cardkit.apps.uicc.files.phonebook import phone_book
from cardkit.channel import Channel

from .conftest import ScriptedConnection

BOOK = "DF.TELECOM/DF.PHONEBOOK"
PBR = {
    "same_record": {"adn": [{"fid": "4F3A", "sfi": 1}], "anr": [{"fid": "4F11"}, {"fid": "4F12", "sfi": 9}]},
    "linked": {"email": [{"fid": "4F50", "sfi": 2}]},
    "indexed": {"ext1": [{"fid": "4F4A"}], "lengths": {"ext1": 2}},
}


def names(*records: Any) -> dict[str, tuple[int, int | None]]:
    return {spec.title: (spec.fid, spec.sfi) for spec in phone_book(BOOK, (0x7F10, 0x5F3A), records)}


def test_every_reference_is_a_file() -> None:
    assert names(PBR) == {
        "EF.ADN": (0x4F3A, 1), "EF.ANR": (0x4F11, None), "EF.ANR2": (0x4F12, 9), "EF.EMAIL": (0x4F50, 2),
        "EF.EXT1": (0x4F4A, None),
    }  # fmt: skip


def test_a_second_set_shares_files_with_the_first() -> None:
    second = {"same_record": {"adn": [{"fid": "4F3B", "sfi": 7}]}, "indexed": {"ext1": [{"fid": "4F4A"}]}}
    found = names(PBR, second)
    assert found["EF.ADN2"] == (0x4F3B, 7)
    assert len(found) == 6


def test_linked_files_have_the_link_in_their_layout() -> None:
    (email,) = phone_book(BOOK, (0x7F10, 0x5F3A), [{"linked": {"email": [{"fid": "4F50"}]}}])
    assert email.decode(bytes.fromhex("610062FF0105")) == {"alpha": "a@b", "adn_sfi": 1, "adn_record": 5}
    assert email.path == (0x7F10, 0x5F3A, 0x4F50)


@pytest.mark.parametrize(
    "record",
    [
        {"raw": "A8"}, {"empty": True}, {"objects": ["A800"]}, {"same_record": {"raw": "C0"}},
        {"same_record": {"objects": ["C000"]}}, {"same_record": {"adn": [{"raw": "4F"}], "tag_CF": "4F01"}},
    ],
)  # fmt: skip
def test_an_unreadable_record_names_no_file(record: dict[str, Any]) -> None:
    assert names(record) == {}


FILES: dict[str, tuple[str, list[str]]] = {
    "3F00": ("62108202782183023F008A01058B032F0601", []),
    "7F10": ("62108202782183027F108A01058B032F0601", []),
    "7F105F3A": ("62108202782183025F3A8A01058B032F0601", []),
    "4F30": ("62108205422100100183024F308A01058800", ["A809C0034F3A01C9024F21FFFFFFFFFF"]),
    "4F3A": ("621082054221000F0283024F3A8A01058800", [
        "41" + "0691947101" + "32F4" + "FF" * 7, "FF" * 15,
    ]),
    "4F21": ("62108205422100020283024F218A01058800", ["0001", "0000"]),
}  # fmt: skip


class CardWithBook(ScriptedConnection):
    """A UICC with a phone book of two entries and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self._records: list[str] = []

    def transmit(self, command: bytes) -> bytes:
        if command[1] == 0xA4:
            fcp, self._records = FILES.get(command[5 : 5 + command[4]].hex().upper(), ("", self._records))
            return bytes.fromhex(fcp + "9000" if fcp else "6A82")
        return bytes.fromhex(self._records[command[2] - 1] + "9000")


def test_the_dump_reads_the_files_the_card_names() -> None:
    document = walk(Channel(CardWithBook()))
    (book,) = [entry for entry in document["directories"] if entry["name"] == BOOK]
    values = {file["name"]: [record["value"] for record in file["records"]] for file in book["files"]}
    assert values == {
        "EF.PBR": [{"same_record": {"adn": [{"fid": "4F3A", "sfi": 1}], "uid": [{"fid": "4F21"}]}}],
        "EF.ADN": [{"alpha": "A", "number": "+491710234"}, {"empty": True}],
        "EF.UID": [{"uid": 1}, {"uid": 0}],
    }
    lines = list(tree_lines(document))
    assert "        1  alpha: A, number: +491710234" in lines
    assert "        1  same_record: {adn: [fid: 4F3A, sfi: 1], uid: [fid: 4F21]}" in lines


def test_a_card_with_a_command_waiting_is_dumped_all_the_same() -> None:
    """A read tool took 91xx (done, proactive command waiting) for a failure."""

    class Waiting(CardWithBook):
        def transmit(self, command: bytes) -> bytes:
            answer = super().transmit(command)
            return answer[:-2] + b"\x91\x20" if answer.endswith(b"\x90\x00") else answer

    assert walk(Channel(Waiting())) == walk(Channel(CardWithBook()))
