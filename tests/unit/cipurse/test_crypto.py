"""Authentication, frame keys and check values against what other implementations computed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.crypto import Key, Usage
from cardkit.crypto.cipurse import FrameKey, handshake, kvv, mic, nlm
from cardkit.crypto.mac import pad80, unpad80
from cardkit.errors import EncodingError, KeyStoreError

from .vectors import entries, named


def key(value: str, algorithm: str = "AES-128") -> Key:
    return Key(bytes.fromhex(value), "test", algorithm, Usage.CARD_KEY)


def state(frame: FrameKey) -> str:
    with frame._key.reveal() as clear:
        return bytes(clear).hex()


@pytest.mark.parametrize("case", entries("kvv"), ids=named)
def test_key_verification_value(case):
    assert kvv(key(case["in"]["key"])).hex() == case["out"]["kvv"]


@pytest.mark.parametrize("case", entries("mic"), ids=named)
def test_message_integrity_check(case):
    assert mic(bytes.fromhex(case["in"]["data"])).hex() == case["out"]["mic"]


@pytest.mark.parametrize("case", entries("nlm"), ids=named)
def test_field_product(case):
    x, y = (bytes.fromhex(case["in"][name]) for name in "xy")
    assert (nlm(x, y).hex(), nlm(y, x).hex()) == (case["out"]["z"],) * 2


@pytest.mark.parametrize("case", entries("mutual-auth"), ids=named)
def test_mutual_authentication(case):
    told, out = case["in"], case["out"]
    card, host = (bytes.fromhex(told[f"R{side}"] + told[f"r{side}"]) for side in "PT")
    opened = handshake(key(told["key"]), card, host)
    with opened.expected.reveal() as expected:
        assert (opened.proof.hex(), bytes(expected).hex()) == (out["cP"], out["cT"])
    assert state(opened.frame) == out["frame_key_1"]


@pytest.mark.parametrize("case", entries("mac-chain"), ids=named)
def test_chain_of_macs(case):
    frame = FrameKey(bytes.fromhex(case["in"]["frame_key"]))
    for step, out in zip(case["in"]["steps"], case["out"]["steps"], strict=True):
        raw = "raw_block" in step
        found = frame.mac_padded(bytes.fromhex(step["raw_block"])) if raw else frame.mac(bytes.fromhex(step["data"]))
        assert (found.hex(), state(frame)) == (out["mac"], out["frame_key_after"])


@pytest.mark.parametrize("case", entries("cipher-chain"), ids=named)
def test_chain_of_cryptograms(case):
    frame = FrameKey(bytes.fromhex(case["in"]["frame_key"]))
    steps = {
        "encrypt_blocks": frame.encipher,
        "decrypt_blocks": frame.decipher,
        "encrypt_m2_padded": lambda data: frame.encipher(pad80(data, 16)),
        "decrypt_m2_padded": lambda data: unpad80(frame.decipher(data)),
    }
    for step, out in zip(case["in"]["steps"], case["out"]["steps"], strict=True):
        ((name, value),) = step.items()
        assert steps[name](bytes.fromhex(value)).hex() == out


FIELD = st.binary(min_size=6, max_size=6)


@given(FIELD, FIELD, FIELD)
def test_products_are_those_of_a_field(x, y, z):
    added = bytes(a ^ b for a, b in zip(y, z, strict=True))
    sums = bytes(a ^ b for a, b in zip(nlm(x, y), nlm(x, z), strict=True))
    assert nlm(x, y) == nlm(y, x)
    assert nlm(x, added) == sums
    assert nlm(nlm(x, y), z) == nlm(x, nlm(y, z))
    assert nlm(x, bytes(6)) == bytes(6)
    assert nlm(x, bytes(5) + b"\x01") == x


@given(st.binary(max_size=80), st.binary(min_size=16, max_size=16))
def test_both_sides_end_with_the_same_key(data, start):
    ours, theirs = FrameKey(start), FrameKey(start)
    assert unpad80(theirs.decipher(ours.encipher(pad80(data, 16)))) == data
    assert ours.mac(data) == theirs.mac(data)
    ours.mac(data)
    theirs.pass_by(data)
    assert state(ours) == state(theirs)


@pytest.mark.parametrize("sizes", [(21, 22), (22, 23)])
def test_challenges_of_another_length_are_refused(sizes):
    with pytest.raises(EncodingError, match="expected 22"):
        handshake(key("73" * 16), bytes(sizes[0]), bytes(sizes[1]))


def test_keys_of_another_cipher_are_refused():
    with pytest.raises(KeyStoreError, match="AES-128"):
        kvv(key("73" * 32, "AES-256"))


def test_two_sessions_of_one_key_differ():
    first, second = (handshake(key("73" * 16), bytes(22), bytes([number]) * 22) for number in (1, 2))
    assert first.proof != second.proof
    assert state(first.frame) != state(second.frame)


def test_part_of_a_block_is_not_deciphered():
    with pytest.raises(EncodingError, match="whole blocks"):
        FrameKey(bytes(16)).decipher(bytes(17))
