"""GBA through the card: what is sent, and what every answer becomes."""

from __future__ import annotations

import hashlib

import pytest

from cardkit.apps.uicc.client import OutOfSync, UiccSession
from cardkit.apps.uicc.files import APPLICATIONS
from cardkit.apps.uicc.gba import bootstrap, bootstrapping_autn, derive_ks_ext_naf
from cardkit.apps.uicc.milenage import Milenage
from cardkit.apps.uicc.names import ADM1
from cardkit.apps.uicc.sqn import make_vector, verify_auts
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.crypto.gba import ks, ks_ext_naf
from cardkit.errors import EncodingError, ProtocolError, StatusError
from cardkit.target import open_card

from .conftest import ScriptedConnection

RAND, AUTN = bytes(range(16)), bytes(range(16, 32))
NAF, IMPI = b"naf.example\x01\x00\x00\x00\x02", "a@b"


def session(*answers: str) -> tuple[UiccSession, ScriptedConnection]:
    card = ScriptedConnection(*answers)
    return UiccSession(Channel(card)), card


def test_bootstrapping_returns_res_and_no_key() -> None:
    one, card = session("DB08" + "A1" * 8 + "9000")
    assert bootstrap(one, RAND, AUTN) == b"\xa1" * 8
    assert card.sent == [f"0088008423DD10{RAND.hex()}10{AUTN.hex()}00".upper()]


def test_bootstrapping_out_of_sync() -> None:
    one, _ = session("DC0E" + "A2" * 14 + "9000")
    assert bootstrap(one, RAND, AUTN) == OutOfSync(b"\xa2" * 14)


def test_derivation_returns_the_external_key_as_a_secret() -> None:
    one, card = session("DB20" + "A3" * 32 + "9000")
    key = derive_ks_ext_naf(one, NAF, IMPI)
    with key.reveal() as clear:
        assert clear == b"\xa3" * 32
    assert repr(key) == "<Secret Ks_ext_NAF, 32 bytes>"
    assert card.sent == [f"0088008416DE10{NAF.hex()}03{IMPI.encode().hex()}00".upper()]


def test_refusals_keep_their_status_word() -> None:
    with pytest.raises(StatusError, match="9862"):
        bootstrap(session("9862")[0], RAND, AUTN)
    with pytest.raises(StatusError, match="6985"):
        derive_ks_ext_naf(session("6985")[0], NAF, IMPI)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "DB",
        "DB00",
        "DB03010203",
        "DB11" + "00" * 17,
        "DC0D" + "00" * 13,
        "DB0401020304050607",
        "DE0401020304",
        "DB04010203",
    ],
)
def test_answers_of_another_form_to_bootstrapping(answer: str) -> None:
    with pytest.raises(ProtocolError):
        bootstrap(session(answer + "9000")[0], RAND, AUTN)


@pytest.mark.parametrize("answer", ["", "DB1F" + "00" * 31, "DC20" + "00" * 32, "DB20" + "00" * 32 + "0100"])
def test_answers_of_another_form_to_derivation(answer: str) -> None:
    with pytest.raises(ProtocolError):
        derive_ks_ext_naf(session(answer + "9000")[0], NAF, IMPI)


def test_lengths_no_command_can_hold() -> None:
    one, card = session()
    with pytest.raises(EncodingError, match="RAND must be 16 bytes, got 15"):
        bootstrap(one, RAND[1:], AUTN)
    with pytest.raises(EncodingError, match="AUTN must be 16 bytes, got 17"):
        bootstrap(one, RAND, AUTN + b"\0")
    with pytest.raises(EncodingError, match="not be longer than 255"):
        derive_ks_ext_naf(one, bytes(256), IMPI)
    assert card.sent == []


def test_the_mac_of_a_bootstrapping_challenge_is_masked_by_ik() -> None:
    vector = make_vector(Milenage(bytes(range(16)), bytes(16)), RAND, 64)
    autn = bootstrapping_autn(vector)
    assert autn[:8] == vector.autn[:8]
    mask = hashlib.sha1(vector.ik).digest()[:8]
    assert bytes(a ^ b for a, b in zip(autn[8:], mask, strict=True)) == vector.autn[8:]


def test_a_card_bootstraps_and_derives_what_we_do() -> None:
    """Service 68 on, a Milenage key: RES by the card, then a key for a server that nobody sent."""
    k, opc = bytes(range(0x40, 0x50)), bytes(range(0x50, 0x60))
    ours = Milenage(k, opc)
    with open_card("virtual:usim", seed=7) as card:
        one = UiccSession(card.channel)
        one.verify(ADM1, Secret(bytes.fromhex("4142434445464748"), "adm1"))
        one.select_application(APPLICATIONS["ADF.USIM"])
        one.select_fid(0x6F38)
        one.update_binary(b"\x08", offset=8)
        one.select_fid(0xAF20)
        one.update_binary((b"\x14", Secret(k, "k"), Secret(opc, "opc")))
        one.select_application(APPLICATIONS["ADF.USIM"])
        with pytest.raises(StatusError, match="6985"):
            derive_ks_ext_naf(one, NAF, IMPI)
        with pytest.raises(StatusError, match="9862"):
            bootstrap(one, RAND, make_vector(ours, RAND, 64).autn)
        vector = make_vector(ours, RAND, 64)
        assert bootstrap(one, RAND, bootstrapping_autn(vector)) == vector.res
        again = bootstrap(one, RAND, bootstrapping_autn(vector))
        assert isinstance(again, OutOfSync)
        assert verify_auts(ours, RAND, again.auts) == 64
        key = derive_ks_ext_naf(one, NAF, IMPI)
    assert key == ks_ext_naf(ks(vector.ck, vector.ik), RAND, IMPI, NAF)
