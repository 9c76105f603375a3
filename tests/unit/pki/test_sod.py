"""Security objects: OpenSSL's read here, ours verified by OpenSSL; what was changed afterwards is noticed."""

import json
import shutil
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.emrtd import oids
from cardkit.apps.emrtd.lds import Departure, open_file
from cardkit.apps.emrtd.securityinfos import PACEInfo, SecurityInfos
from cardkit.apps.emrtd.sod import (
    LdsSecurityObject,
    Sod,
    build_card_security,
    build_sod,
    parse_card_security,
)
from cardkit.apps.pki import cms
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.cms import Signer
from cardkit.apps.pki.masterlist import MasterList, issue_master_list
from cardkit.apps.pki.names import name_text
from cardkit.encoding import der, tlv
from cardkit.encoding.ber import with_definite_lengths
from cardkit.errors import EncodingError, KeyStoreError

from .issuers import EAC, FOLDER, NOW, VECTORS, in_vector, key, list_signer, root, signer

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="the openssl program is not installed")
GOOD = [name for name, v in VECTORS.items() if name.startswith("sod_") and v["out"]["valid"]]
DG1 = in_vector("sod_ecn_v0", "dg1")
DG11 = in_vector("sod_ecn_v0", "dg11")
OBJECT = LdsSecurityObject.of("sha256", {1: DG1, 11: DG11})


@pytest.mark.parametrize("name", GOOD)
def test_objects_of_openssl(name):
    given, out = VECTORS[name]["in"], VECTORS[name]["out"]
    sod = Sod.parse(bytes.fromhex(given["file"]) + bytes(7))
    document_signer = Certificate.parse(in_vector(given["signer"]))
    assert (sod.object.version, sod.object.hash, sod.signed.ber) == (
        out["lds_object_version"],
        out["digest"],
        out["ber"],
    )
    assert {str(number): value.hex().upper() for number, value in sod.object.hashes.items()} == out["dg_hashes"]
    assert LdsSecurityObject.of(out["digest"], {1: DG1, 11: DG11}).hashes == sod.object.hashes
    assert sod.signed.signer.names(document_signer)
    assert sod.signed.content_matches()
    assert sod.signed.signature_verifies(document_signer.public_key)
    assert [one.kind for one in sod.deviations] == ([Departure.BER] if out["ber"] else [])
    if sod.object.version:  # those of version 0 have NULL for the parameters of their hash
        assert sod.object.build() == sod.signed.content


def test_versions_inside_an_object_of_version_1():
    sod = Sod.parse(in_vector("sod_ecn_v1", "file"))
    assert (sod.object.lds_version, sod.object.unicode_version) == ("0108", "150000")


def test_the_reference_set_of_2008():
    vectors = json.loads((FOLDER / "emrtd_lds.json").read_text(encoding="utf-8"))
    found = next(v for v in vectors if v["name"].startswith("EF.SOD of the BSI reference set"))
    sod, out = Sod.parse(bytes.fromhex(found["in"]["file"])), found["out"]
    certificate = Certificate.parse(sod.signed.certificates[0])
    assert {str(number): value.hex().upper() for number, value in sod.object.hashes.items()} == out["dg_hashes"]
    assert (sod.object.hash, sod.signed.content_type) == ("sha1", out["econtent_type"])
    assert (hex(certificate.serial), certificate.sha256) == (out["signer_serial"], out["certificate_sha256"])
    assert f"{certificate.not_after:%Y-%m-%d %H:%M:%S}+00:00" == out["signer_not_after"]
    assert "CSCA BDR TEST 19.09.07" in name_text(certificate.issuer)
    assert sod.signed.signature_verifies(certificate.public_key)


@pytest.mark.parametrize("name", [name for name in EAC if "EF.CardSecurity" in name])
def test_card_security_of_the_worked_examples(name):
    given, out = EAC[name]["in"], EAC[name]["out"]
    signed, infos = parse_card_security(bytes.fromhex(given["ef_cardsecurity"]) + bytes(3))
    certificate = Certificate.parse(signed.certificates[0])
    assert (signed.content_type, signed.signer.digest) == (out["econtent_type"], out["digest"])
    assert name_text(certificate.subject) == out["signer_subject"]
    assert signed.signature_verifies(certificate.public_key)
    assert signed.content_matches()
    assert len(infos.infos) > 3


@needs_openssl
@pytest.mark.parametrize("name", ["p256-1", "bp256-1", "p384-2", "bp512-1", "p521-1", "rsa-2048"])
@pytest.mark.parametrize("version", ["", "0108"])
def test_openssl_verifies_our_objects(tmp_path, name, version):
    authority = root()
    data = build_sod(LdsSecurityObject.of("sha256", {1: DG1, 11: DG11}, version), signer(authority, name), NOW)
    (tmp_path / "sod.der").write_bytes(open_file("EF.SOD", data).content)
    pem = x509.load_der_x509_certificate(authority[0]).public_bytes(Encoding.PEM)
    (tmp_path / "csca.pem").write_bytes(pem)
    command = [OPENSSL, "cms", "-verify", "-inform", "DER", "-in", "sod.der", "-CAfile", "csca.pem", "-purpose", "any",
               "-attime", str(int(NOW.timestamp()) + 60), "-out", "content.der"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "content.der").read_bytes() == LdsSecurityObject.of(
        "sha256", {1: DG1, 11: DG11}, version
    ).build()


@needs_openssl
def test_openssl_verifies_an_object_with_explicit_curve_parameters(tmp_path):
    data = build_sod(OBJECT, signer(root(explicit=True), explicit=True))
    (tmp_path / "sod.der").write_bytes(open_file("EF.SOD", data).content)
    command = [OPENSSL, "cms", "-verify", "-noverify", "-inform", "DER", "-in", "sod.der", "-out", "content.der"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr


def test_our_object_is_der_and_says_what_was_asked():
    made = signer(root(), "p384-2")
    data = build_sod(LdsSecurityObject.of("sha512", {11: DG11, 1: DG1}, "0108"), made, NOW)
    sod = Sod.parse(data)
    assert (sod.deviations, sod.signed.version, sod.signed.signer.version) == ((), 3, 1)
    assert (sod.signed.signer.digest, sod.object.hash) == ("sha384", "sha512")
    assert sod.signed.signer.signing_time == NOW
    assert sod.signed.certificates == (made.certificate,)
    assert list(sod.object.hashes) == [1, 11]
    assert Sod.parse(build_sod(OBJECT, made)).signed.signer.signing_time is None


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_of_the_signed_part_passes(at, change):
    data = bytearray(in_vector("sod_ecn_v0", "file"))
    document_signer = Certificate.parse(in_vector("ds_ecn"))
    start = data.index(Sod.parse(bytes(data)).signed.content)
    at = start + at % len(Sod.parse(bytes(data)).signed.content)
    data[at] ^= change
    try:
        sod = Sod.parse(bytes(data))
    except EncodingError:
        return
    assert not (sod.signed.content_matches() and sod.signed.signature_verifies(document_signer.public_key))


@pytest.mark.parametrize(
    ("groups", "version", "message"),
    [({1: b"a"}, "", "got 1 data groups"), ({1: b"a", 17: b"b"}, "", "got 2 data groups")],
)
def test_too_few_or_unknown_groups(groups, version, message):
    with pytest.raises(EncodingError, match=message):
        LdsSecurityObject("sha256", groups, version).build()


def hashes(*numbers):
    values = (der.sequence(der.integer(number), der.octets(bytes(32))) for number in numbers)
    algorithm = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"), der.NULL)
    return der.sequence(algorithm, der.sequence(*values))[2:]


@pytest.mark.parametrize(
    "content",
    [
        der.sequence(der.integer(0), hashes(1, 1)),
        der.sequence(der.integer(0), hashes(1, 17)),
        der.sequence(der.integer(0), hashes(1, 0)),
        der.sequence(der.integer(1), hashes(1, 2)),
        der.sequence(der.integer(2), hashes(1, 2)),
        der.sequence(der.integer(0), hashes(1, 2), der.NULL),
    ],
)
def test_objects_nobody_may_accept(content):
    with pytest.raises(EncodingError):
        LdsSecurityObject.parse(content)


def test_a_certificate_of_another_key_is_refused_before_anything_is_signed():
    with pytest.raises(KeyStoreError, match=r"key test:p256-2: the certificate \w+ is of another key"):
        Signer(key("p256-2"), signer(root(), "p256-1").certificate)


def test_two_signers_are_an_error():
    data = build_sod(OBJECT, signer(root()))
    info = tlv.parse(tlv.parse(open_file("EF.SOD", data).content)[0].value)[1]
    signed = tlv.parse(info.value)[0]
    parts = list(tlv.parse(signed.value))
    signers = tlv.build(0x31, 2 * parts[-1].value)
    twice = der.sequence(*(part.build() for part in parts[:-1]), signers)
    parsed = cms.parse(der.sequence(der.oid(cms.SIGNED_DATA), der.explicit(0, twice)))
    with pytest.raises(EncodingError, match="got 2 signers, expected 1"):
        parsed.signature_verifies(b"")


def test_card_security_of_ours():
    infos = SecurityInfos.of([PACEInfo(oids.pace(oids.Mapping.ECDH_CAM, oids.Cipher.AES_128), parameter_id=12)])
    made = signer(root(), "p384-1")
    signed, found = parse_card_security(build_card_security(infos, made, NOW))
    assert found == infos
    assert signed.signature_verifies(made.key.public_key)


def test_a_master_list_of_openssl():
    out = VECTORS["master_list"]["out"]
    found = MasterList.parse(in_vector("master_list", "cms"))
    certificates, troubles = found.readable()
    assert (found.version, found.signed.content_type, troubles) == (out["version"], out["econtent_type"], ())
    assert sorted(one.sha256 for one in certificates) == sorted(out["certificate_sha256"])
    assert found.signed.signature_verifies(Certificate.parse(in_vector("mls")).public_key)


def test_a_master_list_of_ours_reports_what_it_cannot_read():
    authority = root()
    broken = der.sequence(der.sequence(der.integer(5)))
    data = issue_master_list([authority[0], broken], list_signer(authority), authority[0], NOW)
    certificates, troubles = MasterList.parse(data).readable()
    assert [one.der for one in certificates] == [authority[0]]
    assert len(troubles) == 1
    assert len(MasterList.parse(data).signed.certificates) == 2


def test_ber_in_pieces_becomes_der_and_der_stays_as_it_is():
    data = in_vector("sod_rsa_ber", "file")
    content = open_file("EF.SOD", data).content
    definite = with_definite_lengths(content)
    assert with_definite_lengths(definite) == definite
    assert tlv.first(definite)[1] == len(definite)
    assert with_definite_lengths(in_vector("ds_rsa")) == in_vector("ds_rsa")


@pytest.mark.parametrize(
    "data", ["3080", "308004", "3080 0400", "0480 0000", "2480 0201 01 0000", "3003 0480", "30" * 9]
)
def test_broken_ber_is_refused(data):
    with pytest.raises(EncodingError, match="BER"):
        with_definite_lengths(bytes.fromhex(data))


def test_nesting_without_end_is_refused_at_once():
    start = time.process_time()
    with pytest.raises(EncodingError, match="more than 32"):
        with_definite_lengths(bytes.fromhex("3080") * 5_000)
    assert time.process_time() - start < 0.5


@given(st.binary(max_size=60))
def test_any_bytes_are_signed_data_or_refused(data):
    for content in (data, der.sequence(der.oid(cms.SIGNED_DATA), der.explicit(0, data))):
        with pytest.raises(EncodingError):
            cms.parse(content)
