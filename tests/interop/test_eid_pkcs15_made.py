"""A PKCS#15 card that cardkit made through pcscd, judged by OpenSC: listed, read, logged in to, used."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.interop.opensc import Programs, served
from tests.interop.stack import Stack

pytestmark = pytest.mark.interop

PROFILE = Path(__file__).parents[2] / "profiles" / "id" / "pkcs15-test"
PIN, PUK = "241810", "1357000100000037"
LABELS = ("authentication", "signature", "encipherment")


@pytest.fixture(scope="module")
def programs(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """OpenSC's programs, and a card made for the first row of the order in reader 0: the same for all."""
    home = tmp_path_factory.mktemp("pkcs15")
    with served(stack, "pkcs15"):
        made = Programs(stack, home)
        order = ("--order", str(PROFILE / "order.csv"), "--record", "1", "--work", str(home / "work"))
        command = (sys.executable, "-m", "cardkit", "personalize", str(PROFILE), *order, "--reader", "pcsc:0", "--yes")
        made.run(*command)
        yield made


def certificate_of(programs: Programs, identifier: int) -> x509.Certificate:
    read = programs.run("pkcs15-tool", "-r", "0", "--read-certificate", str(identifier))
    return x509.load_pem_x509_certificate(read.encode())


def test_pkcs15_tool_lists_what_was_planned(programs: Programs) -> None:
    listed = programs.run("pkcs15-tool", "-r", "0", "-D")
    assert "PKCS#15 Card [Utopian identity card]" in listed
    assert re.search(r"Serial number +: 20000001", listed)
    assert re.search(r"Manufacturer ID: Utopia", listed)
    assert re.findall(r"Private (\w+) Key \[(\w+)\]", listed) == [
        ("EC", "authentication"),
        ("EC", "signature"),
        ("RSA", "encipherment"),
    ]
    assert re.findall(r"X.509 Certificate \[(\w+)\]", listed) == list(LABELS)
    assert re.findall(r"Public \w+ Key \[(\w+)\]", listed) == list(LABELS)
    assert re.findall(r"^PIN \[(\w+)\]", listed, re.MULTILINE) == ["PIN", "PUK"]
    assert re.search(r"Data object 'person'\n\tapplicationName: Utopian civil register", listed)


def test_certificates_and_public_keys_belong_together(programs: Programs) -> None:
    for identifier, _ in enumerate(LABELS, 1):
        certificate = certificate_of(programs, identifier)
        read = programs.run("pkcs15-tool", "-r", "0", "--read-public-key", str(identifier))
        assert load_pem_public_key(read.encode()).public_numbers() == certificate.public_key().public_numbers()
        assert "GULNORA NAMUNAVIY" in certificate.subject.rfc4514_string()


@pytest.mark.parametrize("identifier", [1, 2])
def test_pkcs11_tool_logs_in_and_signs(programs: Programs, identifier: int) -> None:
    (programs.home / "text").write_bytes(b"text")
    signing = ("--sign", "-m", "ECDSA-SHA1", "--id", f"0{identifier}", "-i", "text", "-o", "signature")
    programs.run("pkcs11-tool", "--login", "--pin", PIN, *signing, "--signature-format", "openssl")
    public = certificate_of(programs, identifier).public_key()
    public.verify((programs.home / "signature").read_bytes(), b"text", ec.ECDSA(hashes.SHA1()))


def test_pkcs15_crypt_deciphers(programs: Programs) -> None:
    public = certificate_of(programs, 3).public_key()
    (programs.home / "cryptogram").write_bytes(public.encrypt(b"secret", padding.PKCS1v15()))
    crypt = ("pkcs15-crypt", "-r", "0", "-k", "3", "-p", PIN, "--pkcs1")
    programs.run(*crypt, "-c", "-i", "cryptogram", "-o", "plain")
    assert (programs.home / "plain").read_bytes() == b"secret"


def test_the_holder_changes_and_unblocks_the_pin(programs: Programs) -> None:
    tool = ("pkcs15-tool", "-r", "0")
    programs.run(*tool, "--change-pin", "--auth-id", "1", "--pin", PIN, "--new-pin", "654321")
    for _ in range(3):
        assert "incorrect" in programs.run(*tool, "--verify-pin", "--auth-id", "1", "--pin", PIN, code=255)
    assert "blocked" in programs.run(*tool, "--verify-pin", "--auth-id", "1", "--pin", "654321", code=255)
    programs.run(*tool, "--unblock-pin", "--auth-id", "1", "--puk", PUK, "--new-pin", PIN)
    programs.run(*tool, "--verify-pin", "--auth-id", "1", "--pin", PIN)


def test_private_data_are_read_with_the_pin_only(programs: Programs) -> None:
    tool = ("pkcs15-tool", "-r", "0", "--read-data-object", "person", "-o", "person")
    assert "Data object read failed" in programs.run(*tool, code=None) or not (programs.home / "person").exists()
    programs.run(*tool, "--verify-pin", "--auth-id", "1", "--pin", PIN)
    assert (programs.home / "person").read_bytes() == b"70000000000001"


def test_nothing_is_added_to_a_finished_card(programs: Programs) -> None:
    init = ("pkcs15-init", "--reader", "0", "-G", "ec/prime256v1", "--id", "9", "--key-usage", "sign")
    said = programs.run(*init, "--auth-id", "1", "--pin", PIN, code=None)
    assert "Failed to generate key" in said
    assert len(re.findall(r"Private \w+ Key \[", programs.run("pkcs15-tool", "-r", "0", "-D"))) == len(LABELS)
