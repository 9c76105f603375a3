"""A PIV card that cardkit made, judged by others: yubikit uses it with the order's codes, OpenSSL its chain."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from cardkit.perso import Verdict, personalize
from cardkit.virtual import make_card
from tests.unit.eid.conftest import IMAGE, PROFILE, Job, inserted

pytestmark = pytest.mark.interop

try:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding
    from yubikit.core import TRANSPORT
    from yubikit.core.smartcard import SmartCardConnection
    from yubikit.piv import KEY_TYPE, MANAGEMENT_KEY_TYPE, SLOT, PivSession
except ImportError as error:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(f"{error}: pip install yubikey-manager", allow_module_level=True)

MANAGEMENT = bytes.fromhex("A0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBD0001")
KEYS = {SLOT.AUTHENTICATION: KEY_TYPE.ECCP256, SLOT.SIGNATURE: KEY_TYPE.ECCP384, SLOT.CARD_AUTH: KEY_TYPE.ECCP256}


class Reader(SmartCardConnection):
    """yubikit's view of a chip in this process."""

    def __init__(self, chip):
        self._chip = chip
        chip.power(True)

    @property
    def transport(self):
        return TRANSPORT.USB

    def close(self):
        pass

    def send_and_receive(self, apdu):
        answer = self._chip.transmit(bytes(apdu))
        return answer[:-2], int.from_bytes(answer[-2:], "big")


@pytest.fixture
def session():
    job, chip = Job(), make_card(IMAGE, seed=1)
    assert personalize(job.plan(), inserted(chip), job.keystore).verdict is Verdict.GOOD
    return PivSession(Reader(chip))


def test_yubikit_signs_with_every_key_under_its_certificate(session):
    for slot, kind in KEYS.items():
        certificate = session.get_certificate(slot)
        if slot is not SLOT.CARD_AUTH:
            session.verify_pin("246811")
        signature = session.sign(slot, kind, b"message", hashes.SHA256())
        certificate.public_key().verify(signature, b"message", ec.ECDSA(hashes.SHA256()))


def test_yubikit_agrees_on_a_secret_with_the_key_management_key(session):
    own = ec.generate_private_key(ec.SECP256R1())
    card = session.get_certificate(SLOT.KEY_MANAGEMENT).public_key()
    session.verify_pin("246811")
    assert session.calculate_secret(SLOT.KEY_MANAGEMENT, own.public_key()) == own.exchange(ec.ECDH(), card)


def test_yubikit_finds_the_orders_codes_in_force(session):
    metadata = session.get_management_key_metadata()
    assert (metadata.key_type, metadata.default_value) == (MANAGEMENT_KEY_TYPE.AES256, False)
    session.authenticate(MANAGEMENT)
    assert not session.get_pin_metadata().default_value
    assert not session.get_puk_metadata().default_value
    session.unblock_pin("13570037", "246811")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")
def test_openssl_verifies_the_certificates(session, tmp_path):
    authority = tmp_path / "issuer.pem"
    subprocess.run(["openssl", "x509", "-inform", "der", "-in", PROFILE / "issuer.cer", "-out", authority], check=True)
    for slot in (*KEYS, SLOT.KEY_MANAGEMENT):
        path = tmp_path / f"{slot:x}.pem"
        path.write_bytes(session.get_certificate(slot).public_bytes(Encoding.PEM))
        said = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", authority, path],
            check=False,
            capture_output=True,
            text=True,
        )
        assert (said.returncode, said.stdout.strip()) == (0, f"{path}: OK"), said.stderr
