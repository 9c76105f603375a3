"""A client by somebody else drives the PIV chip in process: yubikit's PivSession (PyPI yubikey-manager 5.9)."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.oid import NameOID
from yubikit.core import TRANSPORT, InvalidPinError
from yubikit.core.smartcard import SW, ApduError
from yubikit.piv import (
    DEFAULT_MANAGEMENT_KEY,
    KEY_TYPE,
    MANAGEMENT_KEY_TYPE,
    OBJECT_ID,
    PIN_POLICY,
    SLOT,
    Chuid,
    FascN,
    PivSession,
)

from tests.card.gp.test_yubikit import InProcess

from .conftest import rsa_key

PIN, PUK = "123456", "12345678"
CURVES = {KEY_TYPE.ECCP256: ec.SECP256R1(), KEY_TYPE.ECCP384: ec.SECP384R1()}


@pytest.fixture
def managed(session):
    """A session that has shown the management key."""
    session.authenticate(DEFAULT_MANAGEMENT_KEY)
    return session


def self_signed(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SPECIMEN")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(day).not_valid_after(day + datetime.timedelta(days=9))
    return builder.sign(key, hashes.SHA256())


def test_it_says_what_it_is(session):
    assert session.version == (5, 7, 0)
    assert session.get_serial() == int.from_bytes(session.card.serial, "big")
    key = session.get_management_key_metadata()
    assert (key.key_type, key.default_value) == (MANAGEMENT_KEY_TYPE.TDES, True)
    for data in (session.get_pin_metadata(), session.get_puk_metadata()):
        assert (data.default_value, data.total_attempts, data.attempts_remaining) == (True, 3, 3)


def test_another_management_key_is_refused(session):
    with pytest.raises(ApduError) as caught:
        session.authenticate(bytes(24))
    assert caught.value.sw == SW.SECURITY_CONDITION_NOT_SATISFIED


@pytest.mark.parametrize("kind", MANAGEMENT_KEY_TYPE)
def test_the_management_key_is_replaced(managed, kind):
    key = bytes(range(kind.key_len))
    managed.set_management_key(kind, key)
    managed.card.power(cold=True)
    again = PivSession(InProcess(managed.card, TRANSPORT.USB))
    assert again.management_key_type == kind
    assert not again.get_management_key_metadata().default_value
    again.authenticate(key)
    again.put_object(OBJECT_ID.CAPABILITY, b"\xf0\x00")
    assert again.get_object(OBJECT_ID.CAPABILITY) == b"\xf0\x00"


@pytest.mark.parametrize(
    ("kind", "hashing"),
    [
        (KEY_TYPE.ECCP256, hashes.SHA256()),
        (KEY_TYPE.ECCP256, hashes.SHA512()),  # the leftmost part of the hash counts
        (KEY_TYPE.ECCP384, hashes.SHA384()),
    ],
)
def test_a_key_made_on_board_signs(managed, kind, hashing):
    public = managed.generate_key(SLOT.AUTHENTICATION, kind)
    managed.verify_pin(PIN)
    signature = managed.sign(SLOT.AUTHENTICATION, kind, b"text", hashing)
    public.verify(signature, b"text", ec.ECDSA(hashing))
    data = managed.get_slot_metadata(SLOT.AUTHENTICATION)
    assert (data.generated, data.public_key, data.pin_policy) == (True, public, PIN_POLICY.ONCE)


def test_an_imported_rsa_key_signs_and_decrypts(managed):
    key = rsa_key(2048)
    kind = managed.put_key(SLOT.KEY_MANAGEMENT, key)
    managed.verify_pin(PIN)
    signature = managed.sign(SLOT.KEY_MANAGEMENT, kind, b"text", hashes.SHA256(), padding.PKCS1v15())
    key.public_key().verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())
    secret = key.public_key().encrypt(b"secret", padding.PKCS1v15())
    assert managed.decrypt(SLOT.KEY_MANAGEMENT, secret, padding.PKCS1v15()) == b"secret"
    data = managed.get_slot_metadata(SLOT.KEY_MANAGEMENT)
    assert (data.generated, data.public_key) == (False, key.public_key())


def test_an_rsa_key_is_made_on_board(piv):
    session = PivSession(InProcess(piv, TRANSPORT.USB))
    session.authenticate(DEFAULT_MANAGEMENT_KEY)
    public = session.generate_key(SLOT.CARD_AUTH, KEY_TYPE.RSA2048)
    signature = session.sign(SLOT.CARD_AUTH, KEY_TYPE.RSA2048, b"text", hashes.SHA256(), padding.PKCS1v15())
    public.verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("kind", CURVES)
def test_both_sides_agree_on_a_secret(managed, kind):
    public = managed.generate_key(SLOT.KEY_MANAGEMENT, kind)
    other = ec.generate_private_key(CURVES[kind])
    managed.verify_pin(PIN)
    secret = managed.calculate_secret(SLOT.KEY_MANAGEMENT, other.public_key())
    assert secret == other.exchange(ec.ECDH(), public)


def test_a_certificate_longer_than_an_apdu_comes_back(managed):
    certificate = self_signed(rsa_key(3072))
    managed.put_certificate(SLOT.SIGNATURE, certificate)
    assert managed.get_certificate(SLOT.SIGNATURE) == certificate
    managed.put_certificate(SLOT.SIGNATURE, certificate, compress=True)
    assert managed.get_certificate(SLOT.SIGNATURE) == certificate
    managed.delete_certificate(SLOT.SIGNATURE)
    with pytest.raises(ApduError) as caught:
        managed.get_certificate(SLOT.SIGNATURE)
    assert caught.value.sw == SW.FILE_NOT_FOUND


def test_a_chuid_comes_back(managed):
    chuid = Chuid(
        fasc_n=FascN(9999, 9999, 999999, 0, 1, 0, 3, 0, 1),
        guid=bytes(range(16)),
        expiration_date=datetime.date(2030, 1, 1),
        asymmetric_signature=b"",
    )
    managed.put_object(OBJECT_ID.CHUID, bytes(chuid))
    assert Chuid.from_bytes(managed.get_object(OBJECT_ID.CHUID)) == chuid


def test_the_pin_is_changed_blocked_and_unblocked(session):
    session.change_pin(PIN, "654321")
    for left in (2, 1, 0):
        with pytest.raises(InvalidPinError) as caught:
            session.verify_pin(PIN)
        assert caught.value.attempts_remaining == left
    with pytest.raises(InvalidPinError):
        session.verify_pin("654321")
    session.change_puk(PUK, "87654321")
    with pytest.raises(InvalidPinError) as caught:
        session.unblock_pin(PUK, "111111")
    assert caught.value.attempts_remaining == 2
    session.unblock_pin("87654321", "111111")
    session.verify_pin("111111")
    assert not session.get_pin_metadata().default_value
    assert not session.get_puk_metadata().default_value
    assert session.get_puk_metadata().attempts_remaining == 3


def test_the_tries_are_set(managed):
    managed.verify_pin(PIN)
    managed.set_pin_attempts(5, 8)
    assert managed.get_pin_metadata().total_attempts == 5
    assert managed.get_puk_metadata().total_attempts == 8


def test_a_reset_makes_it_blank(managed):
    managed.generate_key(SLOT.AUTHENTICATION, KEY_TYPE.ECCP256)
    managed.put_object(OBJECT_ID.CAPABILITY, b"\xf0\x00")
    managed.set_management_key(MANAGEMENT_KEY_TYPE.AES128, bytes(16))
    managed.reset()
    assert managed.management_key_type == MANAGEMENT_KEY_TYPE.TDES
    born = {"serial", "pin", "puk", "management", "object/7E"}
    assert {cell for cell, value in managed.card.memory().items() if value} == born
    assert managed.get_pin_metadata().attempts_remaining == 3


@pytest.mark.parametrize(
    ("policy", "slot"),
    [
        (PIN_POLICY.DEFAULT, SLOT.AUTHENTICATION),
        (PIN_POLICY.DEFAULT, SLOT.SIGNATURE),
        (PIN_POLICY.DEFAULT, SLOT.RETIRED20),
        (PIN_POLICY.ALWAYS, SLOT.CARD_AUTH),
    ],
)
def test_keys_behind_the_pin_do_nothing_without(managed, policy, slot):
    managed.generate_key(slot, KEY_TYPE.ECCP256, policy)
    with pytest.raises(ApduError) as caught:
        managed.sign(slot, KEY_TYPE.ECCP256, b"text", hashes.SHA256())
    assert caught.value.sw == SW.SECURITY_CONDITION_NOT_SATISFIED


@pytest.mark.parametrize(("policy", "slot"), [(PIN_POLICY.DEFAULT, SLOT.CARD_AUTH), (PIN_POLICY.NEVER, SLOT.SIGNATURE)])
def test_keys_that_need_no_pin_work_without(managed, policy, slot):
    public = managed.generate_key(slot, KEY_TYPE.ECCP256, policy)
    signature = managed.sign(slot, KEY_TYPE.ECCP256, b"text", hashes.SHA256())
    public.verify(signature, b"text", ec.ECDSA(hashes.SHA256()))


def test_the_signature_key_wants_the_pin_each_time(managed):
    managed.generate_key(SLOT.SIGNATURE, KEY_TYPE.ECCP256)
    managed.verify_pin(PIN)
    managed.sign(SLOT.SIGNATURE, KEY_TYPE.ECCP256, b"text", hashes.SHA256())
    for between in (lambda: None, lambda: (managed.verify_pin(PIN), managed.get_object(OBJECT_ID.DISCOVERY))):
        between()
        with pytest.raises(ApduError) as caught:
            managed.sign(SLOT.SIGNATURE, KEY_TYPE.ECCP256, b"text", hashes.SHA256())
        assert caught.value.sw == SW.SECURITY_CONDITION_NOT_SATISFIED


def test_keys_are_moved_and_deleted(managed):
    public = managed.generate_key(SLOT.AUTHENTICATION, KEY_TYPE.ECCP256)
    managed.move_key(SLOT.AUTHENTICATION, SLOT.RETIRED1)
    assert managed.get_slot_metadata(SLOT.RETIRED1).public_key == public
    managed.delete_key(SLOT.RETIRED1)
    for slot in (SLOT.AUTHENTICATION, SLOT.RETIRED1):
        with pytest.raises(ApduError) as caught:
            managed.get_slot_metadata(slot)
        assert caught.value.sw == SW.REFERENCE_DATA_NOT_FOUND
