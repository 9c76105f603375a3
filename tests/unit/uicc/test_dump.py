"""The dump: complete on a virtual card, silent about secrets, unbroken by a card that answers nonsense."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.dump import tree_lines, walk
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.errors import CardRemovedError
from cardkit.target import open_card

from .conftest import ScriptedConnection

TRANSPORT_ADM1 = Secret(bytes.fromhex("4142434445464748"), "adm1")


def files(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{d['name']}/{file['name']}": file for d in document["directories"] for file in d["files"]}


@pytest.fixture(scope="module")
def usim() -> dict[str, Any]:
    with open_card("virtual:usim", seed=1) as card:
        return walk(card.channel)


def test_everything_on_the_maker_s_sheet_is_found(usim: dict[str, Any]) -> None:
    assert usim["class"] == "UICC"
    counts = {directory["name"]: len(directory["files"]) for directory in usim["directories"]}
    assert counts == {
        "MF": 7, "DF.TELECOM": 6, "DF.GSM": 10, "DF.SYSTEM": 5, "ADF.USIM": 48, "ADF.USIM/DF.GSM-ACCESS": 2,
        "ADF.USIM/DF.5GS": 7, "ADF.ISIM": 9,
    }  # fmt: skip
    found = files(usim)
    assert found["ADF.USIM/EF.AD"]["value"] == {"mode": "normal", "mnc_length": 2}
    assert found["MF/EF.DIR"]["records"][0]["value"]["label"] == "USIM"
    assert len(found["DF.TELECOM/EF.ADN"]["records"]) == 50
    assert found["ADF.USIM/EF.PLMNwAcT"]["parameters"]["size"] == 60


def test_access_is_said_in_words(usim: dict[str, Any]) -> None:
    found = files(usim)
    assert found["ADF.USIM/EF.IMSI"]["access"]["read"] == "PIN1"
    assert found["ADF.USIM/EF.IMSI"]["access"]["update"] == "ADM1"
    assert found["ADF.USIM/EF.LOCI"]["access"]["update"] == "PIN1 or ADM1"
    assert found["ADF.USIM/EF.USIM_AUTH_KEY"]["access"]["read"] == "never"
    assert found["MF/EF.PLANT"]["access"]["delete"] == "ADM1"
    assert found["MF/EF.CHIP"]["access"]["update"] == "never"


def test_the_document_is_json_and_the_tree_shows_every_file(usim: dict[str, Any]) -> None:
    assert json.loads(json.dumps(usim)) == usim
    text = "\n".join(tree_lines(usim))
    assert all(file["name"] in text for file in files(usim).values())
    assert "      1-50  empty: yes" in text
    assert "PIN1 off" in text


def test_the_tree_is_rendered_line_by_line(usim: dict[str, Any]) -> None:
    lines = tree_lines({**usim, "directories": iter(usim["directories"])})
    assert next(lines).startswith("UICC card, ATR 3B9F96")
    assert next(lines).lstrip().startswith("MF")


def test_parameters_alone(usim: dict[str, Any]) -> None:
    with open_card("virtual:usim", seed=1) as card:
        document = walk(card.channel, contents=False)
    assert set(files(document)) == set(files(usim))
    assert not any("body" in file or "records" in file for file in files(document).values())


def test_secrets_are_never_in_the_document() -> None:
    canaries = {"07C0FFEE" * 4, "1122C0DE" * 2}
    with open_card("virtual:usim", seed=2) as card:
        session = UiccSession(card.channel)
        session.verify(0x0A, TRANSPORT_ADM1)
        session.select_application(bytes.fromhex("A0000000871002"))
        session.select_fid(0x6F08)
        session.update_binary(bytes.fromhex("00" + "07C0FFEE" * 8))
        session.select((0x7FFF, 0x5F3B, 0x4F20))
        session.update_binary(bytes.fromhex("1122C0DE" * 2 + "05"))
        session.select((0x7FFF, 0x6F07))
        session.update_binary(CATALOGUE["ADF.USIM/EF.IMSI"].encode({"imsi": "001010000000102"}, 9))
        document = walk(card.channel)
    text = json.dumps(document) + "\n".join(tree_lines(document))
    assert not [canary for canary in canaries if canary in text]
    found = files(document)
    assert found["ADF.USIM/EF.Keys"]["hidden"] is True
    assert found["ADF.USIM/EF.Keys"]["blank"] is False
    assert found["ADF.USIM/EF.KeysPS"]["blank"] is True
    assert found["ADF.USIM/EF.USIM_AUTH_KEY"] | {"hidden": True} == found["ADF.USIM/EF.USIM_AUTH_KEY"]
    assert found["ADF.USIM/EF.IMSI"]["value"] == {"imsi": "001010000000102"}


def test_a_2g_card() -> None:
    with open_card("virtual:sim2g", seed=1) as card:
        document = walk(card.channel)
    assert document["class"] == "2G"
    found = files(document)
    assert found["DF.GSM/EF.AD"]["value"]["mode"] == "normal"
    assert found["DF.GSM/EF.IMSI"]["access"]["read"] == "CHV1"
    assert found["DF.GSM/EF.Kc"]["hidden"] is True
    assert found["DF.TELECOM/EF.SMSP"]["records"][0]["value"] == {"empty": True}
    assert any("EF.Phase" in line for line in tree_lines(document))


class Nonsense(ScriptedConnection):
    """Answers anything: random bytes, templates that lie, status words of any kind."""

    _TEMPLATES = (
        "62178202412183022FE28A01058B032F060A8002FFFF880110",
        "621A8205422100FF FF83026F398A01058B036F0607800200098801E0".replace(" ", ""),
        "62058202412183", "6200", "62178202782183027F20840AA00000008710028A0105", "0000125C3F0001", "620680048000FFFF",
    )  # fmt: skip
    _WORDS = ("9000", "9000", "9000", "9120", "6A82", "6982", "6F00", "6C10", "6283", "9404", "9F0F", "6110")

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._dice = random.Random(seed)
        self.count = 0

    def transmit(self, command: bytes) -> bytes:
        self.count += 1
        dice = self._dice
        kind = dice.randrange(4)
        data = dice.randbytes(dice.choice((0, 1, 2, 9, 15, 22, 255)))
        if kind == 0:
            data = bytes.fromhex(dice.choice(self._TEMPLATES))
        elif kind == 1:
            data = b""
        return data + bytes.fromhex(dice.choice(self._WORDS))


@pytest.mark.parametrize("seed", range(12))
def test_a_card_that_answers_nonsense_gives_a_document(seed: int) -> None:
    card = Nonsense(seed)
    document = walk(Channel(card))
    assert json.loads(json.dumps(document)) == document
    assert len("\n".join(tree_lines(document))) > 30
    assert card.count < 60_000


@pytest.mark.parametrize("word", ["6E00", "6D00", "6F00", "6A82", "6985"])
def test_a_card_that_refuses_everything(word: str) -> None:
    card = ScriptedConnection()
    card.transmit = lambda command: bytes.fromhex(word)  # type: ignore[method-assign]
    document = walk(Channel(card))
    assert document["directories"] == []
    assert document["class"] == "unknown"
    assert f"card answered {word}" in document["error"]


def test_an_mf_alone_makes_no_uicc() -> None:
    """vsmartcard's `vicc` a858628: an ISO card with an MF and nothing in it was called a UICC."""
    card = ScriptedConnection()
    template = "620A83023F008A01058201389000"
    card.transmit = lambda command: bytes.fromhex(template if command[5:] == b"\x3f\x00\x00" else "6A82")  # type: ignore[method-assign]
    document = walk(Channel(card))
    assert [directory["name"] for directory in document["directories"]] == ["MF"]
    assert next(tree_lines(document)).startswith("ISO 7816 card, ")


def test_a_file_that_answers_for_another_is_told_apart() -> None:
    card = ScriptedConnection()
    template = "62178202412183022FE28A01058B032F060A8002000A8801109000"
    card.transmit = lambda command: bytes.fromhex(template if command[1] == 0xA4 else "FFFFFFFFFFFFFFFFFFFF9000")  # type: ignore[method-assign]
    found = files(walk(Channel(card)))
    assert "value" in found["MF/EF.ICCID"]
    assert found["MF/EF.DIR"]["error"] == "SELECT 2F00: card answered for 2FE2"


@pytest.mark.parametrize(
    ("word", "shown"), [("6285", True), ("6F00", True), ("6581", True), ("6A82", False), ("6A88", False)]
)
def test_a_file_that_is_there_and_cannot_be_selected_is_shown(word: str, shown: bool) -> None:
    template = "62108202782183023F008A01058B032F06019000"
    card = ScriptedConnection()
    card.transmit = lambda command: bytes.fromhex(template if command[5:] == b"\x3f\x00\x00" else word)  # type: ignore[method-assign]
    document = walk(Channel(card))
    assert ("MF/EF.ICCID" in files(document)) is shown
    assert ("DF.GSM" in [directory["name"] for directory in document["directories"]]) is shown
    if shown:
        assert f"card answered {word}" in files(document)["MF/EF.ICCID"]["error"]


def test_the_link_s_errors_get_through() -> None:
    card = ScriptedConnection()

    def gone(command: bytes) -> bytes:
        raise CardRemovedError("the card left the reader")

    card.transmit = gone  # type: ignore[method-assign]
    with pytest.raises(CardRemovedError):
        walk(Channel(card))
