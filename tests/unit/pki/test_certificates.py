"""Certificates: those OpenSSL made, read; those made here, read by OpenSSL and `cryptography`."""

import hashlib
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.pki import issuing, publickey
from cardkit.apps.pki.algorithms import PSS, Scheme, SignatureAlgorithm
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.crl import Crl, Revocation, issue_crl
from cardkit.apps.pki.names import Name, name_text
from cardkit.crypto import curves, ecdsa
from cardkit.encoding import der
from cardkit.errors import EncodingError, KeyStoreError

from .issuers import CURVES, DAY, NOW, PLACE, TERM, VECTORS, in_vector, key, list_signer, request, root, signer

CERTIFICATES = [name for name, v in VECTORS.items() if "certificate" in v["in"]]
CHECKS = [pytest.param(v["in"], v["out"], id=name) for name, v in VECTORS.items() if "signature_algorithm" in v["in"]]
OPENSSL = shutil.which("openssl")
PUBLIC_FORM = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="the openssl program is not installed")


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_of_openssl(name):
    given, out = VECTORS[name]["in"], VECTORS[name]["out"]
    certificate = Certificate.parse(bytes.fromhex(given["certificate"]))
    issuer = Certificate.parse(in_vector(given.get("issuer", name)))
    assert certificate.signed_by(issuer.public_key)
    found = publickey.parse(certificate.public_key)
    assert getattr(found, "explicit", False) == out["explicit_ec_parameters"]
    assert certificate.sha256 == out.get("sha256", certificate.sha256)
    if "private_key_usage_period" in out:
        period = certificate.private_key_usage_period
        assert (period and [f"{one:%Y-%m-%d}" for one in period]) == out["private_key_usage_period"]
        types = certificate.document_types
        assert (types and list(types)) == out["document_types"]
    assert certificate.basic_constraints == ((True, 0) if name.startswith("csca") else None)


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_changed_byte_of_a_certificate_breaks_its_signature(name):
    data = bytearray(in_vector(name))
    at = data.index(b"Utopia") + 1
    data[at] ^= 1
    issuer = Certificate.parse(in_vector(VECTORS[name]["in"].get("issuer", name)))
    assert not Certificate.parse(bytes(data)).signed_by(issuer.public_key)


@pytest.mark.parametrize(("given", "out"), CHECKS)
def test_signatures_of_another_program(given, out):
    oid, name = given["signature_algorithm"], given["digest"]
    # The vectors do not say the salt of PSS; theirs is 32 bytes long.
    algorithm = (
        SignatureAlgorithm(PSS, Scheme.PSS, name, 32)
        if oid == PSS
        else SignatureAlgorithm.parse(der.sequence(der.oid(oid)))
    )
    key_info, data, signature = (bytes.fromhex(given[part]) for part in ("public_key", "data", "signature"))
    assert publickey.verifies(key_info, algorithm, data, signature) == out["valid"]
    assert not publickey.verifies(key_info, algorithm, data + b"1", signature)


@pytest.mark.parametrize("name", ["crl_clean", "crl_revoked"])
def test_lists_of_openssl(name):
    crl = Crl.parse(in_vector(name, "crl"))
    assert [f"{serial:X}" for serial in crl.revoked] == VECTORS[name]["out"]["revoked_serials"]
    assert crl.signed_by(Certificate.parse(in_vector("csca_ecn")).public_key)
    assert not crl.signed_by(Certificate.parse(in_vector("csca_ecx")).public_key)


@pytest.mark.parametrize("curve", curves.CURVES, ids=lambda curve: curve.name)
def test_explicit_parameters_of_every_curve_are_recognized(curve):
    info = publickey.build_ec(curve, curve.generator, explicit=True)
    assert publickey.parse(info) == publickey.EcKey(curve, curve.generator, explicit=True)
    named = publickey.build_ec(curve, curve.generator, explicit=False)
    assert publickey.parse(named) == publickey.EcKey(curve, curve.generator, explicit=False)
    assert publickey.same(info, named)


def test_explicit_parameters_are_those_openssl_writes():
    openssl = Certificate.parse(in_vector("csca_ecx")).public_key
    found = publickey.parse(openssl)
    # OpenSSL adds the seed of the curve where it knows one; brainpool curves have none.
    assert publickey.build_ec(found.curve, found.point, explicit=True) == openssl


def test_a_twin_with_the_same_prime_and_order_is_no_known_curve():
    r1 = curves.BY_NAME["brainpoolP256r1"]
    assert curves.matching(r1.p, r1.a, r1.b, r1.n) is r1
    # brainpoolP256t1 (RFC 5639 3.4): a = -3, another b.
    b = 0x662C61C430D84EA4FE66A7733D0B76B7BF93EBC4AF2F49256AE58101FEE92B04
    assert curves.matching(r1.p, -3, b, r1.n) is None


def test_multiplying_by_the_order_gives_infinity_and_other_multiples_stay_on_the_curve():
    for curve in curves.CURVES:
        generator = (curve.x, curve.y)
        assert ecdsa.multiply(curve, curve.n, generator) is None
        assert curve.contains(*ecdsa.multiply(curve, 3, generator))
        assert ecdsa.multiply(curve, curve.n - 1, generator) == (curve.x, curve.p - curve.y)


@pytest.mark.parametrize("name", CURVES)
def test_own_ecdsa_agrees_with_the_library(name):
    message, signature = b"message", key(f"{name}-1").sign_plain(b"message")
    found = publickey.parse(key(f"{name}-1").public_key)
    half = len(signature) // 2
    r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
    hashed = hashlib.new(key(f"{name}-1").hash, message).digest()
    assert ecdsa.verifies(found.curve, found.coordinates, hashed, r, s)
    assert not ecdsa.verifies(found.curve, found.coordinates, hashed, r, s ^ 1)
    assert not ecdsa.verifies(found.curve, found.coordinates, hashed, 0, s)


def test_points_that_are_not_on_the_curve_are_refused():
    curve = curves.BY_NAME["P-256"]
    off = curve.generator[:-1] + bytes((curve.generator[-1] ^ 1,))
    for point in (off, curve.generator[:-1], b"\x04" + b"\xff" * 64):
        with pytest.raises(EncodingError, match="not on P-256"):
            publickey.parse(publickey.build_ec(curve, point, explicit=False))


def parsed(data):
    return x509.load_der_x509_certificate(data)


@pytest.mark.parametrize("name", ["bp384-1", "p256-1", "p521-1", "rsa-2048"])
def test_a_root_as_another_library_reads_it(name):
    data, own = root(name)
    found = parsed(data)
    found.verify_directly_issued_by(found)
    assert found.version is x509.Version.v3
    assert (found.serial_number, found.not_valid_before_utc, found.not_valid_after_utc) == (
        0x1234,
        TERM.begin,
        TERM.end,
    )
    extensions = found.extensions
    constraints = extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS)
    assert (constraints.critical, constraints.value) == (True, x509.BasicConstraints(ca=True, path_length=0))
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.crl_sign) == (True, True, True)
    assert not usage.value.digital_signature
    identifier = x509.SubjectKeyIdentifier.from_public_key(found.public_key())
    assert extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value == identifier
    authority = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert authority.key_identifier == identifier.digest
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["https://csca.example"]
    assert names.get_values_for_type(x509.DirectoryName)[0].rfc4514_string() == "L=UTO"
    point = extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0].full_name[0].value
    assert point == PLACE.crl_uri
    assert found.subject.rfc4514_string() == "CN=CSCA-UTO,OU=Test,O=Utopia,C=UT"
    assert own.public_key == found.public_key().public_bytes(*PUBLIC_FORM)


def test_a_document_signer_as_another_library_reads_it():
    authority = root()
    found = parsed(signer(authority, types=("P", "ID", "I")).certificate)
    found.verify_directly_issued_by(parsed(authority[0]))
    usage = found.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.digital_signature, usage.value.key_cert_sign) == (True, True, False)
    period = found.extensions.get_extension_for_class(x509.PrivateKeyUsagePeriod).value
    assert (period.not_before, period.not_after) == tuple(
        one.replace(tzinfo=None) for one in (TERM.begin, TERM.key_end)
    )
    types = found.extensions.get_extension_for_oid(x509.ObjectIdentifier("2.23.136.1.1.6.2"))
    assert types.value.value == bytes.fromhex("300F 020100 310A 130149 130150 13024944".replace(" ", ""))
    with pytest.raises(x509.ExtensionNotFound):
        found.extensions.get_extension_for_class(x509.BasicConstraints)


def test_a_list_signer_has_the_purpose():
    found = parsed(list_signer(root()).certificate).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert (found.critical, [one.dotted_string for one in found.value]) == (True, ["2.23.136.1.1.3"])


def test_explicit_parameters_in_certificates_are_read_here_where_libraries_refuse():
    authority = root(explicit=True)
    certificate = Certificate.parse(signer(authority, explicit=True).certificate)
    assert publickey.parse(certificate.public_key).explicit
    assert certificate.signed_by(Certificate.parse(authority[0]).public_key)


def test_an_empty_list_has_no_entries_and_a_full_one_names_them():
    data, own = root()
    authority = Certificate.parse(data)
    empty = issue_crl(authority, own, 1, (NOW, NOW + 90 * DAY))
    assert x509.load_der_x509_crl(empty).is_signature_valid(parsed(data).public_key())
    assert len(x509.load_der_x509_crl(empty)) == 0
    entries = [Revocation(serial, NOW) for serial in (7, 0x80, 1 << 120)]
    full = x509.load_der_x509_crl(issue_crl(authority, own, 9, (NOW, NOW + 90 * DAY), entries))
    assert [one.serial_number for one in full] == [7, 0x80, 1 << 120]
    assert full.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 9
    assert (full.last_update_utc, full.next_update_utc) == (NOW, NOW + 90 * DAY)
    assert Crl.parse(full.public_bytes(Encoding.DER)).revoked == {one.serial: one.day for one in entries}


@needs_openssl
@pytest.mark.parametrize("name", ["bp384-1", "p384-1", "rsa-2048"])
def test_openssl_verify_takes_the_chain(tmp_path, name):
    authority = root(name)
    old = Certificate.parse(authority[0])
    link = issuing.issue_link(request("p521-1", "CSCA-UTO-2"), PLACE, old, authority[1])
    named = {"csca": authority[0], "ds": signer(authority).certificate, "mls": list_signer(authority).certificate,
             "link": link}  # fmt: skip
    for file, data in named.items():
        pem = x509.load_der_x509_certificate(data).public_bytes(Encoding.PEM)
        (tmp_path / f"{file}.pem").write_bytes(pem)
    command = [OPENSSL, "verify", "-x509_strict", "-attime", str(int(NOW.timestamp()) + 60), "-CAfile", "csca.pem"]
    done = subprocess.run([*command, "csca.pem", "ds.pem", "mls.pem", "link.pem"], cwd=tmp_path, capture_output=True,
                          check=False, text=True)  # fmt: skip
    assert done.stdout.split() == ["csca.pem:", "OK", "ds.pem:", "OK", "mls.pem:", "OK", "link.pem:", "OK"], done.stderr


@pytest.mark.parametrize(("n", "e"), [(-5, 3), (15, -3), (0, 0), ((1 << 1024) + 1, 2)])
def test_rsa_keys_that_are_none_are_refused(n, e):
    algorithm = SignatureAlgorithm.parse(der.sequence(der.oid("1.2.840.113549.1.1.11")))
    with pytest.raises(EncodingError, match="RSA key of"):
        publickey.verifies(publickey.build_rsa(n, e), algorithm, b"", bytes(128))


def test_weak_rsa_and_wrong_serials_are_refused():
    with pytest.raises(KeyStoreError, match="RSA of 1024 bits"):
        root("rsa-1024")
    for serial in (0, -1, 1 << 159):
        with pytest.raises(EncodingError, match="serial number"):
            issuing.issue_root(request("p256-1", "CSCA", serial=serial), PLACE)


def test_names():
    assert name_text(Name("UT", "Ütopia", "", "CSCA").build()) == "C=UT, O=Ütopia, CN=CSCA"
    for country in ("ut", "UTO", "", "Ü1"):
        with pytest.raises(EncodingError, match="country"):
            Name(country, "", "", "CSCA").build()


def test_a_negative_serial_of_a_real_issuer_is_read():
    data = bytearray(root()[0])
    at = data.index(bytes.fromhex("02021234"))
    data[at + 2] = 0x92
    assert Certificate.parse(bytes(data)).serial == 0x9234 - 0x10000


@settings(max_examples=60)
@given(st.data())
def test_a_certificate_with_changed_bytes_is_read_or_refused(data):
    content = bytearray(in_vector("ds_ecx"))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = Certificate.parse(bytes(content))
        shown = [found.basic_constraints, found.document_types, found.key_usage, found.extended_key_usage,
                 found.private_key_usage_period, found.authority_key_identifier, name_text(found.subject)]  # fmt: skip
        found.signed_by(Certificate.parse(in_vector("csca_ecx")).public_key)
    except EncodingError:
        return
    assert len(shown) == 7
