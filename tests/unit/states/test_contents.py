"""Contents of the card model's files, against encodings published elsewhere (uicc_files.json)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.schema import AuthBlock, SecretModel
from cardkit.apps.uicc.states.authentication import key_file
from cardkit.apps.uicc.states.contents import pin_file, pin_value, secret_field, sqn_file, whole_secret
from cardkit.crypto import Secret
from cardkit.errors import EncodingError

VECTORS = {
    case["name"]: bytes.fromhex(case["in"]["hex"])
    for case in json.loads((Path(__file__).parents[2] / "vectors" / "uicc_files.json").read_text(encoding="utf-8"))
    if "hex" in case["in"]
}


def joined(content) -> bytes:
    parts = []
    for part in content if isinstance(content, tuple) else (content,):
        if isinstance(part, Secret):
            with part.reveal() as value:
                parts.append(bytes(value))
        else:
            parts.append(part)
    return b"".join(parts)


def auth(**changes) -> AuthBlock:
    return AuthBlock(**{"algorithm": "milenage", "k": "{ki}", "opc": "{opc}", **changes})


def test_pin_file_as_published():
    model = SecretModel(reference=1, tries=3, unblock_tries=10)
    content = pin_file(model, Secret(b"1234", "pin"), Secret(b"12345678", "puk"), enabled=False)
    assert joined(content) == VECTORS["EF.PIN #1"]


def test_key_file_as_published():
    k = bytes.fromhex("1898d827f70120d33b3e7462ee5fd6fe")
    opc = bytes.fromhex("6ca53d7a0a804561646816d7b0c702fb")
    content = key_file(auth(), "milenage", Secret(k, "k"), Secret(opc, "opc"))
    assert joined(content) == VECTORS["EF.USIM_AUTH_KEY #1"]


def test_sqn_file_has_the_published_layout():
    published = VECTORS["EF.USIM_SQN #1"]
    content = sqn_file(auth(sqn_start=0))
    assert len(content) == len(published)
    # The published card skips its next check (b8) and limits the age by 2^33; the delta is ours.
    assert content[0] == published[0] & 0x7F
    assert content[1:8] == published[1:8]
    decoded = CATALOGUE["ADF.USIM/EF.USIM_SQN"].decode(content)
    assert "raw" not in decoded


def test_the_start_of_the_sequence_lies_at_its_index():
    content = sqn_file(auth(sqn_start=32 * 5 + 3))
    fresh = [int.from_bytes(content[at : at + 6], "big") for at in range(14, len(content), 6)]
    assert fresh == [163 if index == 3 else 0 for index in range(32)]


def test_xor_is_told_from_milenage():
    k = Secret(bytes(16), "k")
    assert joined(key_file(auth(algorithm="xor"), "xor", k, None))[0] & 0x0F == 0x0F


@pytest.mark.parametrize("digits", [b"", b"123", b"123456789"])
def test_a_pin_of_another_length_is_refused(digits):
    with pytest.raises(EncodingError, match="pin1"):
        pin_value(Secret(digits, "pin1"))


def test_a_pin_is_padded_with_ff():
    assert joined(pin_value(Secret(b"12345", "pin1"))) == b"12345\xff\xff\xff"


@pytest.mark.parametrize("size", [7, 9])
def test_a_puk_of_another_length_is_refused(size):
    with pytest.raises(EncodingError, match=f"puk1: got {size} bytes, expected 8"):
        whole_secret(Secret(bytes(size), "puk1"))


@pytest.mark.parametrize("size", [15, 24])
def test_a_key_of_another_length_is_refused(size):
    with pytest.raises(EncodingError, match=f"k must be 16 bytes, got {size}"):
        key_file(auth(), "milenage", Secret(bytes(size), "k"), Secret(bytes(16), "opc"))


@pytest.mark.parametrize("value", [None, "1234", b"1234", 7])
def test_what_is_no_secret_is_refused_without_being_shown(value):
    with pytest.raises(EncodingError, match="pin1: got") as caught:
        secret_field({"pin1": value}, "pin1")
    assert "1234" not in str(caught.value)
