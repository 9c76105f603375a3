"""Files of data objects, read from a card with a mind of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.dump import walk
from cardkit.apps.uicc.files import APPLICATIONS
from cardkit.apps.uicc.names import ADM1
from cardkit.apps.uicc.objects import list_tags, retrieve, tags
from cardkit.crypto import Secret
from cardkit.errors import ProtocolError, StatusError
from cardkit.target import Card, open_card
from cardkit.transport.base import TransmissionProtocol

CONFIGURATION = 0x6FF8
XML = b"<wap-provisioningdoc version='1.1'/>" * 12
OBJECTS = {"80": bytes.fromhex("8001 00"), "81": bytes.fromhex("8182") + len(XML).to_bytes(2) + XML}


@pytest.fixture(params=[TransmissionProtocol.T0, TransmissionProtocol.T1], ids=["T=0", "T=1"])
def card(request: pytest.FixtureRequest) -> Iterator[Card]:
    with open_card("virtual:usim-isim-5g", seed=1, protocol=request.param) as opened:
        yield opened


@pytest.fixture
def session(card: Card) -> UiccSession:
    opened = UiccSession(card.channel)
    opened.verify(ADM1, Secret(bytes.fromhex("4142434445464748"), "adm1"))
    opened.select_application(APPLICATIONS["ADF.ISIM"])
    opened.select_fid(CONFIGURATION)
    return opened


def set_data(session: UiccSession, value: bytes) -> None:
    for start in range(0, len(value), 255):
        command = CommandAPDU(0x80, 0xDB, 0x00, 0x00 if start else 0x80, value[start : start + 255])
        assert session.send(command).sw in {0x9000, 0x63F1}


def test_an_empty_file_has_no_tags(session: UiccSession) -> None:
    assert tags(session) == []
    with pytest.raises(StatusError, match="RETRIEVE DATA 80: card answered 6A88"):
        retrieve(session, b"\x80")


def test_objects_come_back_whole_also_in_blocks(session: UiccSession) -> None:
    for value in OBJECTS.values():
        set_data(session, value)
    assert [tag.hex() for tag in tags(session)] == list(OBJECTS)
    assert retrieve(session, b"\x80") == OBJECTS["80"]
    assert retrieve(session, b"\x81") == OBJECTS["81"]


def dumped(card: Card) -> dict[str, Any]:
    isim = next(entry for entry in walk(card.channel)["directories"] if entry["name"] == "ADF.ISIM")
    file: dict[str, Any] = next(entry for entry in isim["files"] if entry["fid"] == f"{CONFIGURATION:04X}")
    return file


def test_the_dump_decodes_what_is_in_the_file(card: Card, session: UiccSession) -> None:
    assert dumped(card)["value"] == {"empty": True}
    session.select_application(APPLICATIONS["ADF.ISIM"])
    session.select_fid(CONFIGURATION)
    set_data(session, OBJECTS["80"])
    set_data(session, bytes.fromhex("8103") + b"<a>")
    file = dumped(card)
    assert file["parameters"]["kind"] == "BER-TLV"
    assert file["body"] == "8001008103" + b"<a>".hex().upper()
    assert file["value"] == {"encoding": "00", "data": "<a>"}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("", "something else"),
        ("5D0180", "something else"),
        ("5C0180 5C00", "something else"),
        ("5C0280", "announces 2 bytes, 1 are there"),
        ("5C015F", "ends inside a tag"),
        ("5C02805F", "ends inside a tag"),
    ],
)
def test_a_tag_list_that_is_none_is_refused(answer: str, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        list_tags(bytes.fromhex(answer))


class Endless(UiccSession):
    """A card that always has more."""

    def __init__(self) -> None:
        self.sent: list[CommandAPDU] = []

    def send(self, command: CommandAPDU) -> ResponseAPDU:
        self.sent.append(command)
        return ResponseAPDU(b"\xa5", 0x62F1)


def test_an_object_without_end_is_given_up() -> None:
    card = Endless()
    with pytest.raises(ProtocolError, match="more than 260 blocks"):
        retrieve(card, b"\x81")
    assert [(command.p2, command.data) for command in card.sent[:2]] == [(0x80, b"\x81"), (0x00, b"")]
