"""What cards sign themselves: recovered from five cards, and from blocks that are wrong in one thing."""

import hashlib
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cardkit.apps.emv.oda.block import Step
from cardkit.apps.emv.oda.dynamic import fast_dda_data, recover_cda, recover_dda, without_sdad
from cardkit.apps.emv.oda.pin import encipher_pin
from cardkit.crypto.emvrsa import RsaPublicKey, private_power, sign
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

from .oda_vectors import named, public, unhex

DDA = {name: v for name, v in named("sdad").items() if "cid" not in v["out"] and "error" not in v["out"]}
CDA = named("sdad 4")["sdad 4: cda: sdad"]
AAC = named("sdad 2")["sdad 2: sdad recovery"]
BROKEN = named("sdad negative")
TEST_CARD = named("icc_private_key")["icc_private_key: test ICC key, CRT parts for DGI 8201-8205"]


def sdad(vector):
    return unhex(vector, "tag_9F4B")


@pytest.mark.parametrize("name", DDA)
def test_dda(name):
    vector, out = DDA[name], DDA[name]["out"]
    signature = recover_dda(public(vector, "icc"), sdad(vector), unhex(vector, "dynamic_data")).checked()

    assert (signature.idn.hex().upper(), signature.data.hex().upper()) == (
        out["icc_dynamic_number"],
        out["icc_dynamic_data"],
    )
    assert (signature.digest.hex().upper(), signature.plain.hex().upper()) == (out["hash"], out["plain"])


def recovered_cda(**changes):
    parts = {
        "unpredictable": unhex(CDA, "terminal_un"),
        "transaction": unhex(CDA, "cdol1_data") + unhex(CDA, "ac_response_tlv"),
        "cid": int(CDA["out"]["cid"], 16),
        **changes,
    }
    return recover_cda(public(CDA, "icc"), sdad(CDA), **parts)


def test_cda():
    signature = recovered_cda().checked()

    assert (signature.cid, signature.cryptogram.hex().upper()) == (0x40, CDA["out"]["ac"])
    assert signature.transaction_hash.hex().upper() == CDA["out"]["tdhc"]
    assert signature.idn.hex().upper() == CDA["out"]["icc_dynamic_number"]


def test_signed_aac():
    """A card that signs its refusal; what it answered beside is not in the vector."""
    recovery = recover_cda(public(AAC, "icc"), sdad(AAC), unhex(AAC, "dynamic_data"), b"", 0)

    assert [fault.step for fault in recovery.faults] == [Step.TRANSACTION_HASH]
    assert (recovery.value.cid, recovery.value.cryptogram.hex().upper()) == (0, AAC["out"]["ac"])


@pytest.mark.parametrize(("changes", "step"), [
    ({"unpredictable": b"\x12\x34\x57\x78"}, Step.HASH), ({"cid": 0x80}, Step.CID),
    ({"transaction": unhex(CDA, "cdol1_data")}, Step.TRANSACTION_HASH),
])  # fmt: skip
def test_cda_of_another_transaction(changes, step):
    assert [fault.step for fault in recovered_cda(**changes).faults] == [step]


@pytest.mark.parametrize("name", BROKEN)
def test_changed_signature(name):
    vector = BROKEN[name]
    recovery = recover_dda(public(vector, "icc"), sdad(vector), b"")

    assert [fault.step.value for fault in recovery.faults] == [vector["out"]["error"]]
    assert recovery.value is None


@cache
def card_key():
    """The test card's key pair."""
    n, d, p, q = (int(TEST_CARD["in"][name], 16) for name in ("n", "d", "p", "q"))
    parts = (rsa.rsa_crt_iqmp(p, q), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_dmp1(d, p), q, p)
    return tuple(Secret(part.to_bytes(64, "big"), "part") for part in parts), RsaPublicKey.of(n, TEST_CARD["in"]["e"])


def signed(content, extra=b""):
    private, key = card_key()
    return key, sign(private, key, "card", content, extra)


def block(data, size=None, filler=b"\xbb"):
    """Return what the card signs when its dynamic data are these, however wrong."""
    head = bytes((5, 1, len(data) if size is None else size)) + data
    return head.ljust(card_key()[1].size - 22, filler)


def test_right_block_is_what_a_card_signs():
    key, signature = signed(block(b"\x04\x11\x22\x33\x44"), b"\1\2\3\4")

    assert recover_dda(key, signature, b"\1\2\3\4").checked().idn.hex() == "11223344"


@pytest.mark.parametrize(("content", "step"), [
    (block(b"\x11\x22\x33\x44"), Step.DYNAMIC),  # the number without its length
    (block(b"\x01\x11"), Step.DYNAMIC), (block(b"\x09" + bytes(9)), Step.DYNAMIC), (block(b""), Step.DYNAMIC),
    (block(b"\x02\x11\x22", size=200), Step.DYNAMIC), (block(b"\x02\x11\x22", size=2), Step.DYNAMIC),
    (block(b"\x02\x11\x22", filler=b"\0"), Step.FILLING), (b"\5\2" + block(b"\x02\x11\x22")[2:], Step.ALGORITHM),
    (b"\3" + block(b"\x02\x11\x22")[1:], Step.FORMAT),
])  # fmt: skip
def test_malformed_block(content, step):
    key, signature = signed(content)

    assert [fault.step for fault in recover_dda(key, signature, b"").faults] == [step]


def test_cda_without_its_cryptogram():
    key, signature = signed(block(b"\x02\x11\x22"))

    assert [fault.step for fault in recover_cda(key, signature, b"", b"", 0x80).faults] == [Step.DYNAMIC]


def test_absent_signature_and_one_of_another_length():
    key = card_key()[1]

    assert [fault.step for fault in recover_dda(key, b"", b"").faults] == [Step.MISSING]
    assert [fault.step for fault in recover_cda(key, bytes(127), b"", b"", 0).faults] == [Step.LENGTH]


def test_cda_signs_the_objects_in_the_order_sent():
    answer = bytes.fromhex("9F3602001C9F4B0101 9F270180")

    assert without_sdad(answer).hex() == "9f3602001c9f270180"
    transaction = b"pdol" + b"cdol1" + without_sdad(answer)
    rest = b"\x80" + b"cryptogr" + hashlib.sha1(transaction).digest()
    key, signature = signed(block(b"\x02\x11\x22" + rest), b"\1\2\3\4")
    recovery = recover_cda(key, signature, b"\1\2\3\4", transaction, 0x80)

    assert recovery.checked().cryptogram == b"cryptogr"
    swapped = b"pdol" + b"cdol1" + bytes.fromhex("9F2701809F3602001C")
    assert not recover_cda(key, signature, b"\1\2\3\4", swapped, 0x80).good


def test_fast_dda():
    values = {b"\x9f\x37": b"\1\2\3\4", b"\x9f\x02": bytes(6), b"\x5f\x2a": b"\x08\x60", b"\x9f\x69": b"\1" + bytes(6)}

    assert fast_dda_data(values).hex() == "01020304" + "00" * 6 + "0860" + "01000000000000"
    with pytest.raises(EncodingError, match="fast DDA: 5F2A, 9F69: expected"):
        fast_dda_data({b"\x9f\x37": b"\1\2\3\4", b"\x9f\x02": bytes(6)})
    with pytest.raises(EncodingError, match="fast DDA: version: expected"):
        fast_dda_data(values | {b"\x9f\x69": b"\0"})


def test_enciphered_pin():
    private, key = card_key()
    challenge, filler = bytes(range(8)), bytes(range(128 - 17))
    block_2 = Secret(bytes.fromhex("241234FFFFFFFFFF"), "PIN block")
    enciphered = encipher_pin(key, block_2, challenge, filler)
    plain = private_power(private, enciphered, 128)

    assert plain.hex() == "7f241234ffffffffff" + challenge.hex() + filler.hex()


@pytest.mark.parametrize(("size", "challenge", "filler"), [(7, 8, 111), (8, 4, 111), (8, 8, 110)])
def test_enciphered_pin_of_wrong_parts(size, challenge, filler):
    with pytest.raises(EncodingError, match="expected 8, 8 and 111"):
        encipher_pin(card_key()[1], Secret(bytes(size), "PIN block"), bytes(challenge), bytes(filler))
