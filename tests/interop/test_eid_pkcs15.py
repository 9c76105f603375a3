"""OpenSC personalizes our PKCS#15 card and works with it through pcscd, by its own card driver isoApplet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_public_key

from tests.interop.opensc import Programs, served
from tests.interop.stack import Stack
from tests.interop.test_eid_piv import issue

pytestmark = pytest.mark.interop

PIN, PUK = "123456", "1234567890123456"
INIT = ("pkcs15-init", "--reader", "0")
OWNER = ("--auth-id", "FF", "--pin", PIN)


@pytest.fixture
def programs(stack: Stack, tmp_path: Path) -> Iterator[Programs]:
    """OpenSC's programs, and a fresh card with the structure pkcs15-init makes on it."""
    with served(stack, "pkcs15"):
        made = Programs(stack, tmp_path)
        made.run(*INIT, "--create-pkcs15", "--so-pin", PIN, "--so-puk", PUK)
        yield made


def private_file(programs: Programs, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """A private key where pkcs15-init finds it."""
    path = programs.home / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return path.name


def test_keys_are_made_on_the_card(programs: Programs) -> None:
    programs.run(*INIT, "-G", "rsa/2048", "--id", "1", "--label", "one", "--key-usage", "sign,decrypt", *OWNER)
    programs.run(*INIT, "-G", "ec/prime256v1", "--id", "2", "--label", "two", "--key-usage", "sign", *OWNER)
    listed = programs.run("pkcs15-tool", "-r", "0", "-D")
    assert re.search(r"Private RSA Key \[one\]", listed)
    assert re.search(r"Private EC Key \[two\]", listed)
    tested = programs.run("pkcs11-tool", "-l", "--pin", PIN, "--test")
    assert tested.rstrip().endswith("No errors")
    (programs.home / "text").write_bytes(b"text")
    signing = ("--sign", "-m", "ECDSA-SHA1", "--id", "02", "-i", "text", "-o", "signature")
    programs.run("pkcs11-tool", "-l", "--pin", PIN, *signing, "--signature-format", "openssl")
    public = load_pem_public_key(programs.run("pkcs15-tool", "-r", "0", "--read-public-key", "2").encode())
    public.verify((programs.home / "signature").read_bytes(), b"text", ec.ECDSA(hashes.SHA1()))


def test_an_imported_key_signs_and_decrypts(programs: Programs) -> None:
    key = rsa.generate_private_key(65537, 2048)
    stored = (private_file(programs, key), "--id", "3", "--label", "three", "--key-usage", "sign,decrypt")
    programs.run(*INIT, "--store-private-key", *stored, *OWNER)
    certificate = issue(key.public_key(), "SPECIMEN")
    (programs.home / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    programs.run(*INIT, "--store-certificate", "certificate.pem", "--id", "3", *OWNER)
    read = programs.run("pkcs15-tool", "-r", "0", "--read-certificate", "3")
    assert x509.load_pem_x509_certificate(read.encode()) == certificate
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"text")
    (programs.home / "digest").write_bytes(digest.finalize())
    crypt = ("pkcs15-crypt", "-r", "0", "-k", "3", "-p", PIN, "--pkcs1")
    programs.run(*crypt, "-s", "--sha-256", "-i", "digest", "-o", "signature")
    signature = (programs.home / "signature").read_bytes()
    key.public_key().verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())
    (programs.home / "cryptogram").write_bytes(key.public_key().encrypt(b"secret", padding.PKCS1v15()))
    programs.run(*crypt, "-c", "-i", "cryptogram", "-o", "plain")
    assert (programs.home / "plain").read_bytes() == b"secret"


def test_the_pin_is_changed_and_unblocked(programs: Programs) -> None:
    tool = ("pkcs15-tool", "-r", "0")
    programs.run(*tool, "--change-pin", "--pin", PIN, "--new-pin", "654321")
    for _ in range(3):
        assert "PIN code or key incorrect" in programs.run(*tool, "--verify-pin", "--pin", PIN, code=255)
    assert "blocked" in programs.run(*tool, "--verify-pin", "--pin", "654321", code=255)
    programs.run(*tool, "--unblock-pin", "--puk", PUK, "--new-pin", "111111")
    programs.run(*tool, "--verify-pin", "--pin", "111111")


def test_nothing_is_made_without_the_pin(programs: Programs) -> None:
    wrong = ("--auth-id", "FF", "--pin", "000000")
    said = programs.run(*INIT, "-G", "rsa/2048", "--id", "1", "--key-usage", "sign", *wrong, code=1)
    assert "Failed to generate key" in said
    assert "Private RSA Key" not in programs.run("pkcs15-tool", "-r", "0", "-D")


def test_a_driver_that_knows_only_iso_reads_the_structure(programs: Programs) -> None:
    certificate = issue(ec.generate_private_key(ec.SECP256R1()).public_key(), "SPECIMEN")
    (programs.home / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    programs.run(*INIT, "--store-certificate", "certificate.pem", "--id", "7", *OWNER)
    (programs.home / "opensc.conf").write_text(
        "app default { enable_default_driver = true; card_drivers = default; }\n", encoding="ascii"
    )
    assert programs.run("opensc-tool", "-r", "0", "-n") == "Unsupported card\n"
    assert re.search(r"PIN \[User PIN\]", programs.run("pkcs15-tool", "-r", "0", "-D"))
    read = programs.run("pkcs15-tool", "-r", "0", "--read-certificate", "7")
    assert x509.load_pem_x509_certificate(read.encode()) == certificate
