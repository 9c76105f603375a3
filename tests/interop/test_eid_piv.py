"""Clients by others work with our PIV card through pcscd: yubikit's PivSession, OpenSC's piv-tool and PKCS#11 module.

OpenSC 0.23 of Debian 12 has two defects of its own here: `piv-tool -G` makes the key and then fails to write its public
half with OpenSSL 3, so keys are made by `piv-tool -s`; `-A A:9B:03` compares two lengths wrongly and never answers.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.opensc import Programs, served
from tests.interop.stack import Stack

pytestmark = pytest.mark.interop

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID
    from smartcard.Exceptions import SmartcardException
    from smartcard.System import readers
    from ykman.pcsc import ScardSmartCardConnection
    from yubikit.core import InvalidPinError
    from yubikit.piv import DEFAULT_MANAGEMENT_KEY, KEY_TYPE, MANAGEMENT_KEY_TYPE, SLOT, PivSession
except ImportError as error:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(f"{error}: pip install yubikey-manager", allow_module_level=True)

PIN = "123456"
KEY_FILE = ":".join(f"{byte:02X}" for byte in DEFAULT_MANAGEMENT_KEY)
MUTUAL = ("piv-tool", "-r", "0", "-A", "M:9B:03")


@pytest.fixture
def card(stack: Stack) -> Iterator[Stack]:
    """A fresh PIV card in reader 0."""
    with served(stack, "piv"):
        yield stack


@pytest.fixture
def session(card: Stack) -> Iterator[PivSession]:
    """yubikit's session with that card, the management key shown."""
    found = next(reader for reader in readers() if str(reader) == card.names[0])
    connection = ScardSmartCardConnection(found.createConnection())
    opened = PivSession(connection)
    opened.authenticate(DEFAULT_MANAGEMENT_KEY)
    yield opened
    with contextlib.suppress(SmartcardException):
        connection.close()


@pytest.fixture
def programs(card: Stack, tmp_path: Path) -> Programs:
    """OpenSC's programs, with the management key where piv-tool looks for it."""
    made = Programs(card, tmp_path)
    (tmp_path / "management").write_text(KEY_FILE, encoding="ascii")
    made.set("PIV_EXT_AUTH_KEY", str(tmp_path / "management"))
    return made


def issue(public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, name: str) -> x509.Certificate:
    """A certificate of a test authority for a key on the card."""
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, "test authority")]
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1]).public_key(public)
    builder = builder.serial_number(7).not_valid_before(day).not_valid_after(day + datetime.timedelta(days=3650))
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())


def test_yubikit_personalizes_and_uses_the_card(session: PivSession) -> None:
    keys = {
        slot: session.generate_key(slot, kind)
        for slot, kind in (
            (SLOT.AUTHENTICATION, KEY_TYPE.RSA2048),
            (SLOT.SIGNATURE, KEY_TYPE.ECCP384),
            (SLOT.KEY_MANAGEMENT, KEY_TYPE.ECCP256),
        )
    }
    for slot, key in keys.items():
        session.put_certificate(slot, issue(key, slot.name))
        assert session.get_certificate(slot).public_key() == key
    session.change_pin(PIN, "654321")
    with pytest.raises(InvalidPinError) as caught:
        session.verify_pin(PIN)
    assert caught.value.attempts_remaining == 2
    session.verify_pin("654321")
    signature = session.sign(SLOT.SIGNATURE, KEY_TYPE.ECCP384, b"text", hashes.SHA384())
    keys[SLOT.SIGNATURE].verify(signature, b"text", ec.ECDSA(hashes.SHA384()))
    signature = session.sign(SLOT.AUTHENTICATION, KEY_TYPE.RSA2048, b"text", hashes.SHA256(), padding.PKCS1v15())
    keys[SLOT.AUTHENTICATION].verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())
    other = ec.generate_private_key(ec.SECP256R1())
    secret = session.calculate_secret(SLOT.KEY_MANAGEMENT, other.public_key())
    assert secret == other.exchange(ec.ECDH(), keys[SLOT.KEY_MANAGEMENT])
    session.set_management_key(MANAGEMENT_KEY_TYPE.AES256, bytes(range(32)))
    assert not session.get_management_key_metadata().default_value


def generated(said: str) -> bytes:
    """The bytes of an answer that piv-tool prints."""
    dump = said[said.index("Received") :].splitlines()[1:]
    return bytes.fromhex("".join(re.match(r"((?:[0-9A-F]{2} )+)", line + " ")[1] for line in dump))


def test_piv_tool_personalizes_and_pkcs11_signs(programs: Programs) -> None:
    assert "Personal Identity Verification Card" in programs.run("opensc-tool", "-r", "0", "-n")
    answer = generated(programs.run(*MUTUAL, "-s", "00:47:00:9A:05:AC:03:80:01:07:00"))
    assert answer[:9] == bytes.fromhex("7F4982010981820100")
    key = rsa.RSAPublicNumbers(65537, int.from_bytes(answer[9:265], "big")).public_key()
    certificate = issue(key, "SPECIMEN").public_bytes(Encoding.PEM)
    (programs.home / "9a.pem").write_bytes(certificate)
    programs.run(*MUTUAL, "-C", "9A", "-i", "9a.pem", code=None)  # it exits with the number of bytes written
    listed = programs.run("pkcs15-tool", "-r", "0", "-D")
    assert "PIV AUTH key" in listed
    assert re.search(r"ModLength\s*: 2048", listed)
    read = programs.run("pkcs15-tool", "-r", "0", "--read-certificate", "01")
    assert x509.load_pem_x509_certificate(read[read.index("-----BEGIN") :].encode()).public_key() == key
    tested = programs.run("pkcs11-tool", "-l", "--pin", PIN, "--test")
    assert tested.rstrip().endswith("No errors")
    (programs.home / "text").write_bytes(b"text")
    signing = ("--sign", "-m", "SHA256-RSA-PKCS", "--id", "01", "-i", "text", "-o", "signature")
    programs.run("pkcs11-tool", "-l", "--pin", PIN, *signing)
    signature = (programs.home / "signature").read_bytes()
    key.verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())


def test_pkcs11_asks_for_the_pin_before_each_digital_signature(programs: Programs, session: PivSession) -> None:
    key = session.generate_key(SLOT.SIGNATURE, KEY_TYPE.ECCP256)
    session.put_certificate(SLOT.SIGNATURE, issue(key, "SPECIMEN"))
    session.protocol.connection.close()
    (programs.home / "text").write_bytes(hashes_of(b"text"))
    signing = ("--sign", "-m", "ECDSA", "--id", "02", "-i", "text", "-o", "signature", "--signature-format", "openssl")
    programs.run("pkcs11-tool", "-l", "--pin", PIN, *signing)
    key.verify((programs.home / "signature").read_bytes(), b"text", ec.ECDSA(hashes.SHA256()))


def hashes_of(text: bytes) -> bytes:
    """SHA-256."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(text)
    return digest.finalize()


def test_piv_tool_is_refused_with_another_management_key(programs: Programs) -> None:
    (programs.home / "management").write_text(":".join(["00"] * 24), encoding="ascii")
    said = programs.run(*MUTUAL, "-s", "00:47:00:9A:05:AC:03:80:01:11:00", code=None)
    assert "admin_mode failed -1211" in said  # security status not satisfied
    assert "Received" not in said
