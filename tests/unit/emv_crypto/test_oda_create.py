"""Certificates are made bit for bit as another program made them, and recover at every size and exponent."""

from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cardkit.apps.emv.oda.certificate import SignedKey
from cardkit.apps.emv.oda.create import (
    Subject,
    create_icc_certificate,
    create_issuer_certificate,
    create_pin_certificate,
    create_ssad,
)
from cardkit.apps.emv.oda.recover import recover_icc, recover_issuer, recover_pin_key, recover_ssad
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.emvrsa import RsaPublicKey, sign
from cardkit.crypto.private import PrivateKey
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError, KeyStoreError

from .oda_vectors import FOLDER, named

ISSUER = named("issuer_cert_create")["issuer_cert_create: test CA signs the test issuer key, bit-exact"]
ICC = named("icc_cert_create")["icc_cert_create: test issuer signs the test ICC key over static data + AIP, bit-exact"]
SIZES = (1024, 1152, 1408, 1984)
EXPONENTS = (3, 65537)
STATIC = bytes.fromhex("5A0812345600123456085F24032912313900")
PAN = "1234560012345608"
EXPIRES = date(2029, 12, 31)


def of_numbers(numbers, name):
    n, e, d, p, q = (int(numbers[part], 16) if part != "e" else numbers[part] for part in ("n", "e", "d", "p", "q"))
    private = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(e, n)
    )
    return PrivateKey.of(private.private_key(), name, Usage.EMV_SIGN)


def of_file(bits, exponent):
    name = f"emv-{bits}-{exponent}"
    return PrivateKey((FOLDER / "keys" / f"{name}.der").read_bytes(), name, Usage.EMV_SIGN)


@pytest.fixture(scope="module")
def keystore():
    store = MemoryKeyStore(
        {f"rsa:{bits}-{exponent}": of_file(bits, exponent) for bits in SIZES for exponent in EXPONENTS}
    )
    store.add("test:ca", of_numbers(ISSUER["in"]["ca_key"], "ca"))
    store.add("test:issuer", of_numbers(ICC["in"]["issuer_key"], "issuer"))
    store.add("test:dap", PrivateKey((FOLDER / "keys" / "rsa-2048.der").read_bytes(), "dap", Usage.SIGN))
    store.add("test:aes", Key(bytes(range(0x40, 0x50)), "aes", "AES-128", Usage.SIGN))
    return store


def b(vector, field):
    return bytes.fromhex(vector["in"][field])


def test_issuer_certificate_of_the_test_pki(keystore):
    key = RsaPublicKey(b(ISSUER, "issuer_modulus"), b(ISSUER, "issuer_exp"))
    subject = Subject("123456", key, date(2030, 12, 1), b(ISSUER, "serial"))
    signed = create_issuer_certificate(keystore, "test:ca", subject)

    assert signed.certificate.hex().upper() == ISSUER["out"]["tag_90"]
    assert signed.remainder.hex().upper() == ISSUER["out"]["tag_92"]
    assert signed.exponent == b"\x03"


def test_card_certificate_of_the_test_pki(keystore):
    key = RsaPublicKey(b(ICC, "icc_modulus"), b(ICC, "icc_exp"))
    subject = Subject(ICC["in"]["pan"], key, date(2029, 12, 31), b(ICC, "serial"))
    signed = create_icc_certificate(keystore, "test:issuer", subject, b(ICC, "static_data"))

    assert (signed.certificate.hex().upper(), signed.remainder) == (ICC["out"]["tag_9F46"], b"")
    recovered = recover_icc(keystore.emv_public("test:issuer"), signed, b(ICC, "static_data"), pan=ICC["in"]["pan"])
    assert recovered.checked().plain.hex().upper() == ICC["out"]["plain"]


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("bits", SIZES)
def test_chain_of_equal_keys_recovers(keystore, bits, exponent):
    """The longest case: every key is as long as the one above, so every certificate has a remainder."""
    reference = f"rsa:{bits}-{exponent}"
    ca = keystore.emv_public(reference)
    signed = create_issuer_certificate(keystore, reference, Subject("123456", ca, EXPIRES, b"\0\0\1"))
    issuer = recover_issuer(ca, signed, pan=PAN, on=EXPIRES).checked()
    card = create_icc_certificate(keystore, reference, Subject(PAN, ca, EXPIRES, b"\0\0\2"), STATIC)
    icc = recover_icc(issuer.key, card, STATIC, pan=PAN, on=EXPIRES).checked()

    assert (len(signed.certificate), len(signed.remainder)) == (bits // 8, 36)
    assert (len(card.certificate), len(card.remainder)) == (bits // 8, 42)
    assert issuer.key == icc.key == ca
    assert (icc.owner, icc.serial, icc.last_day) == (PAN, b"\0\0\2", EXPIRES)


@pytest.mark.parametrize(("above", "below"), [(1984, 1984), (1984, 1408), (1408, 1152), (1152, 1024), (1408, 1024)])
def test_chain_of_shorter_keys_recovers(keystore, above, below):
    ca, key = keystore.emv_public(f"rsa:{above}-3"), keystore.emv_public(f"rsa:{below}-65537")
    signed = create_issuer_certificate(keystore, f"rsa:{above}-3", Subject("12345600", key, EXPIRES, b"\0\0\1"))
    pin = create_pin_certificate(keystore, f"rsa:{above}-3", Subject(PAN, key, EXPIRES, b"\0\0\3"))

    assert len(signed.remainder) == max(0, (below - above) // 8 + 36)
    assert recover_issuer(ca, signed, pan=PAN).checked().key == key
    assert recover_pin_key(ca, pin, pan=PAN).checked().key == key


def test_certificates_are_deterministic(keystore):
    subject = Subject(PAN, keystore.emv_public("rsa:1024-3"), EXPIRES, b"\0\0\1")
    one, two = (create_icc_certificate(keystore, "rsa:1152-3", subject, STATIC) for _ in range(2))

    assert one == two


def test_signed_static_data(keystore):
    ssad = create_ssad(keystore, "rsa:1152-3", b"\xda\xc0", STATIC)
    signature = recover_ssad(keystore.emv_public("rsa:1152-3"), ssad, STATIC).checked()

    assert (len(ssad), signature.dac) == (144, b"\xda\xc0")
    with pytest.raises(EncodingError, match="data authentication code of 3 bytes"):
        create_ssad(keystore, "rsa:1152-3", b"\xda\xc0\0", STATIC)


KEY = RsaPublicKey(b"\xc1" + bytes(126) + b"\1", b"\3")


@pytest.mark.parametrize(("subject", "message"), [
    (Subject("12", KEY, EXPIRES, b"\0\0\1"), "owner of 2 characters, expected 3 to 8"),
    (Subject("123456789", KEY, EXPIRES, b"\0\0\1"), "owner of 9 characters"),
    (Subject("12345F", KEY, EXPIRES, b"\0\0\1"), "owner of 6 characters"),
    (Subject("123456", KEY, EXPIRES, b"\0\1"), "serial number of 2 bytes"),
    (Subject("123456", KEY, date(2050, 1, 1), b"\0\0\1"), "expires in 2050"),
    (Subject("123456", RsaPublicKey(KEY.modulus, b"\2"), EXPIRES, b"\0\0\1"), "public exponent 02"),
    (Subject("123456", RsaPublicKey(KEY.modulus, b"\0\3"), EXPIRES, b"\0\0\1"), "public exponent 0003"),
    (Subject("123456", RsaPublicKey(KEY.modulus + bytes(17), b"\3"), EXPIRES, b"\0\0\1"), "key of 1160 bits"),
    (Subject("123456", RsaPublicKey(b"\0" + KEY.modulus[1:], b"\3"), EXPIRES, b"\0\0\1"), "no leading zeros"),
    (Subject("123456", RsaPublicKey(b"\xc1", b"\3"), EXPIRES, b"\0\0\1"), "key of 8 bits"),
])  # fmt: skip
def test_subject_that_cannot_be(keystore, subject, message):
    with pytest.raises(EncodingError, match=f"issuer certificate: .*{message}"):
        create_issuer_certificate(keystore, "rsa:1152-3", subject)


def test_short_pan_is_refused(keystore):
    with pytest.raises(EncodingError, match="ICC certificate: owner of 8 characters, expected 12 to 19"):
        create_icc_certificate(keystore, "rsa:1152-3", Subject("12345678", KEY, EXPIRES, b"\0\0\1"), STATIC)


@pytest.mark.parametrize(("reference", "message"), [
    ("test:dap", "usage sign, a certificate needs emv-sign"), ("test:aes", "usage sign"), ("test:none", "not in this"),
])  # fmt: skip
def test_other_keys_sign_no_certificates(keystore, reference, message):
    with pytest.raises(KeyStoreError, match=message):
        create_issuer_certificate(keystore, reference, Subject("123456", KEY, EXPIRES, b"\0\0\1"))


def test_certificate_keys_sign_nothing_else(keystore):
    for content in (b"", b"\5" + bytes(105), b"\1" + bytes(105), b"\0" * 106):
        with pytest.raises(KeyStoreError, match="expected 02, 03 or 04"):
            keystore.emv_sign("rsa:1024-3", content, b"")
    with pytest.raises(KeyStoreError, match="content of 105 bytes, expected 106"):
        keystore.emv_sign("rsa:1024-3", b"\4" + bytes(104), b"")
    with pytest.raises(KeyStoreError, match="usage emv-sign, a signature needs sign"):
        keystore.sign_content("rsa:1024-3", b"anything")


def test_broken_private_key_gives_no_signature():
    """A wrong half of a signature gives the key away to whoever sees it (Bellcore)."""
    key = of_file(1024, 3)
    numbers = key.load().private_numbers()
    right = (numbers.iqmp, numbers.dmq1, numbers.dmp1, numbers.q, numbers.p)
    public = RsaPublicKey.of(numbers.public_numbers.n, numbers.public_numbers.e)
    content = b"\4" + bytes(105)
    for place in range(3):
        parts = [Secret((part ^ (number == place)).to_bytes(64, "big"), "part") for number, part in enumerate(right)]
        with pytest.raises(KeyStoreError, match="the private key is broken"):
            sign(parts, public, "card", content, b"")


def test_remainder_is_what_does_not_fit(keystore):
    key = keystore.emv_public("rsa:1152-3")
    signed = create_issuer_certificate(keystore, "rsa:1152-3", Subject("123456", key, EXPIRES, b"\0\0\1"))

    assert signed == SignedKey(signed.certificate, key.modulus[-36:], b"\3")


def test_modulus_that_begins_with_ff():
    """Some card runtimes refuse blocks as large as these."""
    keystore = MemoryKeyStore({"rsa:ff": of_file(1024, "ff")})
    key = keystore.emv_public("rsa:ff")
    signed = create_icc_certificate(keystore, "rsa:ff", Subject(PAN, key, EXPIRES, b"\0\0\1"), STATIC)

    assert key.modulus[:1] == b"\xff"
    assert recover_icc(key, signed, STATIC, pan=PAN).checked().key == key
