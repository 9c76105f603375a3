"""GBA keys, with the text of TS 33.220 B.3 written out byte by byte and another implementation of HMAC and SHA-1.

3GPP publishes no test data for it.
"""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from cardkit.crypto import Secret
from cardkit.crypto.gba import bootstrapping_mac, ks, ks_ext_naf, ks_int_naf, naf_id
from cardkit.errors import EncodingError

from .aka_vectors import clear

CK, IK = bytes(range(16)), bytes(range(16, 32))
RAND = bytes(range(0x50, 0x60))
IMPI = "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
NAF = naf_id("naf.example", bytes.fromhex("010001000A"))


def hmac_sha256(key, text):
    done = HMAC(key, hashes.SHA256())
    done.update(text)
    return done.finalize()


def test_naf_id_is_name_and_protocol():
    expected = b"naf.example\x01\x00\x01\x00\x0a"

    assert [NAF, naf_id("naf.example", bytes.fromhex("010001000A"))] == [expected, expected]


def test_ks_is_both_keys():
    assert clear(ks(CK, IK)) == bytes(range(32))
    assert repr(ks(CK, IK)) == "<Secret Ks, 32 bytes>"


@pytest.mark.parametrize(
    ("derive", "purpose", "name"),
    [(ks_ext_naf, b"gba-me\x00\x06", "Ks_ext_NAF"), (ks_int_naf, b"gba-u\x00\x05", "Ks_int_NAF")],
)
def test_keys_of_a_server(derive, purpose, name):
    text = b"\x01" + purpose + RAND + b"\x00\x10" + IMPI.encode() + b"\x00\x31" + NAF + b"\x00\x10"
    key = derive(ks(CK, IK), RAND, IMPI, NAF)
    assert clear(key) == hmac_sha256(CK + IK, text)
    assert repr(key) == f"<Secret {name}, 32 bytes>"


def test_an_impi_beyond_ascii_is_utf8_and_its_length_counts_bytes():
    text = b"\x01gba-me\x00\x06" + RAND + b"\x00\x10" + b"\xc3\xbc@example" + b"\x00\x0a" + NAF + b"\x00\x10"
    assert clear(ks_ext_naf(ks(CK, IK), RAND, "ü@example", NAF)) == hmac_sha256(CK + IK, text)


def test_the_longest_names():
    key, longest = ks(CK, IK), "i" * 0xFFFF
    text = b"\x01gba-u\x00\x05" + RAND + b"\x00\x10" + longest.encode() + b"\xff\xff" + NAF + b"\x00\x10"
    assert clear(ks_int_naf(key, RAND, longest, NAF)) == hmac_sha256(CK + IK, text)
    with pytest.raises(EncodingError) as caught:
        ks_int_naf(key, RAND, longest + "i", NAF)
    assert str(caught.value) == "Ks_int_NAF: IMPI and NAF_ID must not be longer than 65535 bytes"
    with pytest.raises(EncodingError, match="Ks_ext_NAF: IMPI"):
        ks_ext_naf(key, RAND, IMPI, bytes(0x10000))


def test_mac_of_a_bootstrapping_challenge():
    digest = hashes.Hash(hashes.SHA1())
    digest.update(IK)
    mask = digest.finalize()[:8]
    assert bootstrapping_mac(mask, IK) == bytes(8)
    assert bootstrapping_mac(bytes(8), IK) == mask
    assert bootstrapping_mac(bytes(7) + b"\1", IK) == mask[:7] + bytes((mask[7] ^ 1,))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ks(CK[1:], IK), "CK must be 16 bytes, got 15"),
        (lambda: ks(CK, IK * 2), "IK must be 16 bytes, got 32"),
        (lambda: naf_id("", bytes(5)), "NAF_ID: the name of the server is empty"),
        (lambda: naf_id("naf", bytes(4)), "Ua security protocol identifier must be 5 bytes, got 4"),
        (lambda: ks_ext_naf(Secret(CK, "x"), RAND, IMPI, NAF), "Ks must be 32 bytes, got 16"),
        (lambda: ks_int_naf(ks(CK, IK), RAND[1:], IMPI, NAF), "RAND must be 16 bytes, got 15"),
        (lambda: bootstrapping_mac(bytes(16), IK), "MAC must be 8 bytes, got 16"),
        (lambda: bootstrapping_mac(bytes(8), IK[1:]), "IK must be 16 bytes, got 15"),
    ],
)
def test_other_lengths_are_refused(call, message):
    with pytest.raises(EncodingError) as caught:
        call()
    assert str(caught.value) == message
