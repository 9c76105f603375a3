"""Certificates of SCP11 in both forms, made with plain calls; every link of a chain is needed (Amd F, from memory)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.encoding.tlv import parse
from cardkit.errors import AuthenticationError, EncodingError
from cardkit.secure import parse_certificates, trusted_key

P256 = ec.SECP256R1()
ROOT, MIDDLE, LEAF, OTHER = (ec.derive_private_key(value, P256) for value in (11, 22, 33, 44))
NOW = date(2031, 5, 20)
VECTOR = json.loads((Path(__file__).parents[2] / "vectors" / "gp_scp11.json").read_text(encoding="utf-8"))[0]["in"]
unhex = bytes.fromhex


def public(key) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def x509_of(subject, key, issuer, signer, *, ca=None, usage=None, years=(2030, 2032), digest=None, serial=0x1234):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(datetime(years[0], 5, 20, tzinfo=UTC))
        .not_valid_after(datetime(years[1], 5, 20, 23, tzinfo=UTC))
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if usage is not None:
        other = dict.fromkeys(
            (
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_cert_sign",
                "crl_sign",
            ),
            True,
        )
        builder = builder.add_extension(
            x509.KeyUsage(**other, key_agreement=usage, encipher_only=False, decipher_only=False), critical=True
        )
    return builder.sign(signer, digest or SHA256()).public_bytes(Encoding.DER)


def tlv(tag: str, value: bytes) -> bytes:
    length = len(value)
    field = (
        bytes([length])
        if length < 128
        else bytes([0x81, length])
        if length < 256
        else b"\x82" + length.to_bytes(2, "big")
    )
    return unhex(tag) + field + value


def plain_signature(signer, message: bytes) -> bytes:
    digest = {256: SHA256(), 384: SHA384(), 521: SHA512(), 512: SHA512()}[signer.key_size]
    r, s = decode_dss_signature(signer.sign(message, ec.ECDSA(digest)))
    half = (signer.key_size + 7) // 8
    return r.to_bytes(half, "big") + s.to_bytes(half, "big")


def gp_of(subject, key, issuer, signer, *, usage="0080", dates=("20300520", "20320520"), curve="00", change=None):
    objects = [
        tlv("93", b"\x12\x34"),
        tlv("42", issuer.encode()),
        tlv("5F20", subject.encode()),
        tlv("95", unhex(usage)),
        *([tlv("5F25", unhex(dates[0]))] if dates[0] else []),
        tlv("5F24", unhex(dates[1])),
        tlv("53", b"discretionary"),
        tlv("7F49", tlv("B0", public(key)) + (tlv("F0", unhex(curve)) if curve else b"")),
    ]
    if change:
        objects = change(objects)
    signed = b"".join(objects)
    return tlv("7F21", signed + tlv("5F37", plain_signature(signer, signed)))


def x509_chain(**leaf) -> list[bytes]:
    return [
        x509_of("root", ROOT, "root", ROOT, ca=True),
        x509_of("middle", MIDDLE, "root", ROOT, ca=True),
        x509_of("leaf", LEAF, "middle", MIDDLE, **leaf),
    ]


def gp_chain(**leaf) -> list[bytes]:
    return [
        gp_of("root", ROOT, "root", ROOT, usage="82"),
        gp_of("middle", MIDDLE, "root", ROOT, usage="82"),
        gp_of("leaf", LEAF, "middle", MIDDLE, **leaf),
    ]


def trust(chain: list[bytes], *, roots=(ROOT,), now=NOW) -> bytes:
    key = trusted_key(parse_certificates(b"".join(chain)), [root.public_key() for root in roots], now=now)
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


FORMS = [pytest.param(x509_chain, id="x509"), pytest.param(gp_chain, id="gp")]


@pytest.mark.parametrize("form", FORMS)
def test_the_key_of_the_leaf_is_trusted_through_its_chain(form):
    chain = form()
    assert trust(chain) == public(LEAF)
    assert trust(chain[1:]) == public(LEAF)
    assert trust(chain, roots=(OTHER, ROOT)) == public(LEAF)
    assert trust(chain[2:], roots=(MIDDLE,)) == public(LEAF)


@pytest.mark.parametrize("form", FORMS)
def test_every_link_is_needed(form):
    root, middle, leaf = form()
    with pytest.raises(AuthenticationError, match="was signed by none of the 1 pinned roots"):
        trust([root, middle, leaf], roots=(OTHER,))
    with pytest.raises(AuthenticationError, match="was signed by none of the 0 pinned roots"):
        trust([root, middle, leaf], roots=())
    with pytest.raises(AuthenticationError, match="was signed by none of the 1 pinned roots"):
        trust([leaf])
    with pytest.raises(AuthenticationError, match="names another issuer than the one before it"):
        trust([root, leaf])
    with pytest.raises(AuthenticationError, match="names another issuer"):
        trust([root, middle, leaf, middle])
    with pytest.raises(AuthenticationError, match=r"^certificate chain: empty, and no key is trusted without one$"):
        trusted_key([], [ROOT.public_key()], now=NOW)


def test_a_link_signed_by_somebody_else_does_not_hold():
    make = {"x509": x509_of, "gp": gp_of}
    for kind, of in make.items():
        root, middle, _ = x509_chain() if kind == "x509" else gp_chain()
        forged = of("leaf", LEAF, "middle", OTHER)
        with pytest.raises(AuthenticationError, match=r"1234 until 2032-05-20> was not signed by the one before it$"):
            trust([root, middle, forged])


def test_a_leaf_signs_no_certificates():
    root = x509_of("root", ROOT, "root", ROOT, ca=True)
    for extra in ({}, {"ca": False}):
        middle = x509_of("middle", MIDDLE, "root", ROOT, **extra)
        with pytest.raises(AuthenticationError, match="may not sign certificates"):
            trust([root, middle, x509_of("leaf", LEAF, "middle", MIDDLE)])
    for usage in ("0080", "80", "8280", "02"):
        middle = gp_of("middle", MIDDLE, "root", ROOT, usage=usage)
        with pytest.raises(AuthenticationError, match="may not sign certificates"):
            trust([middle, gp_of("leaf", LEAF, "middle", MIDDLE)])


def test_the_key_of_the_leaf_must_be_for_key_agreement():
    assert trust(x509_chain(usage=True)) == public(LEAF)
    with pytest.raises(AuthenticationError, match="the key of <X509Certificate 1235 until 2032-05-20> is not for key"):
        trust(x509_chain(usage=False, serial=0x1235))
    for usage in ("82", "80", "008000"):
        with pytest.raises(
            AuthenticationError, match="the key of <GpCertificate 1234 until 2032-05-20> is not for key"
        ):
            trust(gp_chain(usage=usage))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("day", "valid"),
    [(date(2030, 5, 19), False), (date(2030, 5, 20), True), (date(2032, 5, 20), True), (date(2032, 5, 21), False)],
)
def test_every_certificate_is_valid_on_its_days_only(form, day, valid):
    if valid:
        assert trust(form(), now=day) == public(LEAF)
        return
    with pytest.raises(AuthenticationError, match=f"is not valid on {day.isoformat()}$"):
        trust(form(), now=day)


def test_an_expired_issuer_breaks_the_chain():
    middle = x509_of("middle", MIDDLE, "root", ROOT, ca=True, years=(2028, 2029))
    with pytest.raises(AuthenticationError, match="until 2029-05-20> is not valid on 2031-05-20"):
        trust([middle, x509_of("leaf", LEAF, "middle", MIDDLE)])


def test_a_gp_certificate_need_not_say_when_it_begins():
    leaf = gp_of("leaf", LEAF, "root", ROOT, dates=("", "20320520"))
    assert trust([leaf], now=date(1990, 1, 1)) == public(LEAF)
    assert parse_certificates(leaf)[0].not_before is None


def test_every_byte_of_a_gp_certificate_is_signed_or_read():
    leaf = gp_of("leaf", LEAF, "root", ROOT)
    for at in range(len(leaf)):
        changed = leaf[:at] + bytes([leaf[at] ^ 1]) + leaf[at + 1 :]
        with pytest.raises((AuthenticationError, EncodingError)):
            trust([changed])


def test_every_byte_of_an_x509_certificate_is_signed_or_read():
    leaf = x509_of("leaf", LEAF, "root", ROOT)
    signature = x509.load_der_x509_certificate(leaf).signature
    unused_bits = (
        len(leaf) - len(signature) - 1
    )  # the parser takes 1 there when the last bit is 0; nothing else changes
    for at in range(len(leaf)):
        if at == unused_bits:
            continue
        changed = leaf[:at] + bytes([leaf[at] ^ 1]) + leaf[at + 1 :]
        with pytest.raises((AuthenticationError, EncodingError)):
            trust([changed])


CURVES = {
    "00": ec.SECP256R1(),
    "01": ec.SECP384R1(),
    "02": ec.SECP521R1(),
    "03": ec.BrainpoolP256R1(),
    "05": ec.BrainpoolP384R1(),
    "07": ec.BrainpoolP512R1(),
}


@pytest.mark.parametrize("reference", CURVES)
def test_gp_certificates_of_every_curve(reference):
    root, leaf = ec.derive_private_key(5, CURVES[reference]), ec.derive_private_key(6, CURVES[reference])
    certificate = gp_of("leaf", leaf, "root", root, curve=reference)
    assert trust([certificate], roots=(root,)) == public(leaf)
    assert parse_certificates(certificate)[0].public_key.curve.name == CURVES[reference].name


@pytest.mark.parametrize(("curve", "digest"), [(ec.SECP384R1(), SHA384()), (ec.SECP521R1(), SHA512())])
def test_x509_certificates_with_longer_hashes(curve, digest):
    root = ec.derive_private_key(5, curve)
    certificate = x509_of("leaf", LEAF, "root", root, digest=digest)
    assert trust([certificate], roots=(root,)) == public(LEAF)


def test_the_signature_of_another_curve_is_none():
    leaf = parse_certificates(gp_of("leaf", LEAF, "root", ROOT))[0]
    with pytest.raises(InvalidSignature):
        leaf.check_signature(ec.derive_private_key(5, ec.SECP384R1()).public_key())


def without(at):
    return lambda objects: objects[:at] + objects[at + 1 :]


def twice(at):
    return lambda objects: [*objects[: at + 1], *objects[at:]]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (without(0), "object 93 is there 0 times"),
        (without(1), "object 42 is there 0 times"),
        (without(2), "object 5F20 is there 0 times"),
        (without(3), "object 95 is there 0 times"),
        (without(5), "object 5F24 is there 0 times"),
        (without(7), "object 7F49 is there 0 times"),
        (twice(3), "object 95 is there 2 times, expected once"),
        (twice(4), "object 5F25 is there 2 times"),
        (twice(7), "object 7F49 is there 2 times"),
        (lambda objects: [*objects, tlv("5F37", bytes(64))], "object 5F37 is there 2 times"),
    ],
)
def test_a_gp_certificate_has_each_object_once(change, fault):
    with pytest.raises(EncodingError, match=f"^GP certificate: {fault}"):
        parse_certificates(gp_of("leaf", LEAF, "root", ROOT, change=change))


def test_nothing_stands_behind_the_signature():
    raw = gp_of("leaf", LEAF, "root", ROOT)
    longer = tlv("7F21", raw[4:] + tlv("53", b"more"))
    with pytest.raises(EncodingError, match=r"^GP certificate: the signature 5F37 is not its last object$"):
        parse_certificates(longer)


@pytest.mark.parametrize(
    "dates", [("20300520", "20321320"), ("20300A20", "20320520"), ("203005", "20320520"), ("20300520", "")]
)
def test_a_date_that_is_none_is_refused(dates):
    wrong = next(text for text in dates if text not in ("20300520", "20320520"))
    with pytest.raises(EncodingError, match=f"^GP certificate: date {wrong}, expected YYYYMMDD$|5F24"):
        parse_certificates(gp_of("leaf", LEAF, "root", ROOT, dates=dates))


@pytest.mark.parametrize(("curve", "shown"), [("04", "04"), ("", "missing"), ("FF", "FF"), ("0000", "0000")])
def test_a_curve_we_do_not_have_is_refused(curve, shown):
    with pytest.raises(EncodingError, match=f"^GP certificate: curve reference {shown}, not known$"):
        parse_certificates(gp_of("leaf", LEAF, "root", ROOT, curve=curve))


def test_a_point_off_the_curve_is_refused():
    off = tlv("7F49", tlv("B0", b"\x04" + bytes(63) + b"\x01") + tlv("F0", b"\0"))
    with pytest.raises(EncodingError, match="not on the curve"):
        parse_certificates(gp_of("leaf", LEAF, "root", ROOT, change=lambda objects: [*objects[:7], off]))
    none = tlv("7F49", tlv("F0", b"\0"))
    with pytest.raises(EncodingError, match="0 bytes, expected 65"):
        parse_certificates(gp_of("leaf", LEAF, "root", ROOT, change=lambda objects: [*objects[:7], none]))


def test_the_store_of_a_card_holds_both_forms():
    chain = [x509_chain()[0], gp_chain()[1]]
    for data in (b"".join(chain), tlv("BF21", b"".join(chain))):
        certificates = parse_certificates(data)
        assert [certificate.raw for certificate in certificates] == chain
        assert [type(certificate).__name__ for certificate in certificates] == ["X509Certificate", "GpCertificate"]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "^certificates: got none, expected 30 or 7F21$"),
        (unhex("BF2100"), "^certificates: got none, expected 30 or 7F21$"),
        (unhex("8100"), "^certificates: got tag 81, expected 30 or 7F21$"),
        (unhex("BF2100BF2100"), "^certificates: got tag BF21, expected 30 or 7F21$"),
        (unhex("3000"), "^X.509 certificate: "),
        (unhex("30"), "^TLV object"),
    ],
)
def test_something_else_is_refused(data, fault):
    with pytest.raises(EncodingError, match=fault):
        parse_certificates(data)


def test_x509_certificates_are_on_elliptic_curves_and_signed_with_sha_2():
    expected = r"^X\.509 certificate: expected an elliptic curve key and a signature with SHA-2$"
    rsa_key = rsa.generate_private_key(65537, 2048)
    edwards = ed25519.Ed25519PrivateKey.generate()
    for raw in (
        x509_of("leaf", rsa_key, "root", ROOT),
        x509_of("leaf", edwards, "root", ROOT),
        with_sha1(x509_of("leaf", LEAF, "root", ROOT)),
    ):
        with pytest.raises(EncodingError, match=expected):
            parse_certificates(raw)


def with_sha1(raw: bytes) -> bytes:
    """Say ecdsa-with-SHA1, one byte shorter in both places, instead of ecdsa-with-SHA256."""
    signed, algorithm, signature = parse(raw)[0].children()
    sha256, sha1 = unhex("300A06082A8648CE3D040302"), unhex("300906072A8648CE3D0401")
    return tlv(
        "30",
        tlv("30", signed.value.replace(sha256, sha1)) + algorithm.build().replace(sha256, sha1) + signature.build(),
    )


@pytest.mark.parametrize(("serial", "shown"), [(1, "01"), (0xFF, "FF"), (0x100, "0100"), (0x7FFFFF, "7FFFFF")])
def test_serial_numbers_are_bytes(serial, shown):
    certificate = parse_certificates(x509_of("leaf", LEAF, "root", ROOT, serial=serial))[0]
    assert certificate.serial == unhex(shown)
    assert repr(certificate) == f"<X509Certificate {shown} until 2032-05-20>"
    assert (certificate.not_before, certificate.not_after) == (date(2030, 5, 20), date(2032, 5, 20))
    assert (certificate.issuer, certificate.subject) == (name("root").public_bytes(), name("leaf").public_bytes())


def test_the_recorded_certificate_of_a_host_is_read():
    certificate = parse_certificates(unhex(VECTOR["oce_certificate_x509_der"]))[0]
    assert repr(certificate) == "<X509Certificate 02 until 2044-01-01>"
    static = ec.derive_private_key(int(VECTOR["sk_oce_ecka"], 16), P256)
    assert certificate.public_key.public_numbers() == static.public_key().public_numbers()
    assert (certificate.agrees, certificate.certifies) == (True, False)


@given(st.binary(max_size=80))
@settings(max_examples=100)
def test_any_bytes_give_certificates_or_an_encoding_error(data):
    for raw in (data, tlv("30", data), tlv("7F21", data)):
        try:
            parse_certificates(raw)
        except EncodingError:
            continue
