"""A client by somebody else drives the card in process: yubikit's SecurityDomainSession, at short and extended length.

yubikit 5.9 (PyPI yubikey-manager): SCP03 at level 33 with AES-128, SCP11 a, b and c, PUT KEY, GENERATE KEY, DELETE,
STORE DATA of certificates, allow-lists and authorities.
"""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SW, ApduError, SmartCardConnection
from yubikit.core.smartcard.scp import KeyRef, Scp03KeyParams, Scp11KeyParams, ScpKid, StaticKeys
from yubikit.securitydomain import Curve, SecurityDomainSession

from cardkit.virtual import make_card

NEW = StaticKeys(bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
NEW_REF = KeyRef(ScpKid.SCP03, 0x30)
OCE_REF = KeyRef(0x10, 0x03)


class InProcess(SmartCardConnection):
    """The seam of a virtual card as yubikit wants it."""

    def __init__(self, card, transport):
        self.card = card
        self._transport = transport

    @property
    def transport(self):
        return self._transport

    def send_and_receive(self, apdu):
        answer = self.card.transmit(apdu)
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def close(self):
        pass


@pytest.fixture(params=[TRANSPORT.USB, TRANSPORT.NFC], ids=["extended", "short and chained"])
def connection(request):
    return InProcess(make_card("gp-scp03", seed=1), request.param)


@pytest.fixture
def opened(connection):
    """A session with the initial key set."""
    return authenticated(connection, Scp03KeyParams())


def authenticated(connection, params):
    session = SecurityDomainSession(connection)
    session.authenticate(params)
    return session


def certificate(subject, issuer, key, signer, *, ca):
    name = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (subject, issuer)]
    day = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=not ca, key_cert_sign=ca, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(name[0])
        .issuer_name(name[1])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(day)
        .not_valid_after(day + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return builder.sign(signer, hashes.SHA256())


class Entity:
    """An off-card entity with its certification authority."""

    def __init__(self):
        self.ca_key, self.key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = certificate("root", "root", self.ca_key, self.ca_key, ca=True)
        self.chain = [root, certificate("entity", "root", self.key, self.ca_key, ca=False)]

    def trusted_by(self, session):
        session.put_key(OCE_REF, self.ca_key.public_key())
        session.store_ca_issuer(OCE_REF, b"\x11" * 20)


def test_what_the_card_says_of_itself(connection):
    session = SecurityDomainSession(connection)
    keys = session.get_key_information()
    assert {ref.kid for ref in keys if ref.kvn == 0xFF} == {1, 2, 3}
    assert session.get_card_recognition_data().hex().startswith("06072a864886fc6b01")


def test_key_sets_come_go_and_are_used(connection, opened):
    opened.put_key(NEW_REF, NEW)
    assert {ref.kvn for ref in opened.get_key_information() if ref.kid == 1} == {0x30}
    again = authenticated(connection, Scp03KeyParams(NEW_REF, NEW))
    other = StaticKeys(*(bytes(reversed(key)) for key in NEW))
    again.put_key(KeyRef(ScpKid.SCP03, 0x31), other, replace_kvn=0x30)
    with pytest.raises(ValueError, match="Incorrect SCP parameters"):  # 6A88
        authenticated(connection, Scp03KeyParams(NEW_REF, NEW))
    last = authenticated(connection, Scp03KeyParams(KeyRef(ScpKid.SCP03, 0x31), other))
    with pytest.raises(ApduError) as caught:
        last.delete_key(kvn=0x31)
    assert caught.value.sw == SW.CONDITIONS_NOT_SATISFIED
    last.delete_key(kvn=0x31, delete_last=True)
    assert not [ref for ref in last.get_key_information() if ref.kid == 1]


def test_a_wrong_key_is_found_before_anything_is_sent(connection):
    with pytest.raises(ValueError, match="Incorrect SCP parameters"):
        authenticated(connection, Scp03KeyParams(keys=NEW))
    (tries,) = (value for cell, value in connection.card.memory().items() if cell.startswith("tries/"))
    assert tries == bytes.fromhex("00000001")  # no failure, one challenge


@pytest.mark.parametrize("curve", [Curve.SECP256R1, Curve.SECP384R1])
def test_generated_keys_open_scp11b_and_it_may_not_manage(connection, opened, curve):
    ref = KeyRef(ScpKid.SCP11b, 0x05)
    public = opened.generate_ec_key(ref, curve)
    session = authenticated(connection, Scp11KeyParams(ref, public))
    assert ref in session.get_key_information()
    with pytest.raises(ApduError) as caught:
        session.delete_key(kvn=0x05)
    assert caught.value.sw == SW.SECURITY_CONDITION_NOT_SATISFIED


@pytest.mark.parametrize("kid", [ScpKid.SCP11a, ScpKid.SCP11c])
def test_mutual_scp11_manages_keys(connection, opened, kid):
    entity, own, ref = Entity(), ec.generate_private_key(ec.SECP256R1()), KeyRef(kid, 0x03)
    entity.trusted_by(opened)
    opened.put_key(ref, own)
    params = Scp11KeyParams(ref, own.public_key(), OCE_REF, entity.key, entity.chain)
    session = authenticated(connection, params)
    session.put_key(NEW_REF, NEW)
    assert authenticated(connection, Scp03KeyParams(NEW_REF, NEW)).get_key_information()


def test_an_allow_list_shuts_others_out(connection, opened):
    entity, own, ref = Entity(), ec.generate_private_key(ec.SECP256R1()), KeyRef(ScpKid.SCP11a, 0x03)
    entity.trusted_by(opened)
    opened.put_key(ref, own)
    params = Scp11KeyParams(ref, own.public_key(), OCE_REF, entity.key, entity.chain)
    serial = entity.chain[-1].serial_number
    opened.store_allowlist(OCE_REF, [serial + 1])
    with pytest.raises(ApduError):
        authenticated(connection, params)
    authenticated(connection, Scp03KeyParams()).store_allowlist(OCE_REF, [1, serial])
    assert authenticated(connection, params).get_key_information()


def test_certificates_and_authorities_are_kept_with_their_keys(connection, opened):
    entity, own, ref = Entity(), ec.generate_private_key(ec.SECP256R1()), KeyRef(ScpKid.SCP11a, 0x03)
    entity.trusted_by(opened)
    opened.put_key(ref, own)
    opened.store_certificate_bundle(ref, entity.chain)
    assert opened.get_certificate_bundle(ref) == entity.chain
    assert SecurityDomainSession(connection).get_certificate_bundle(ref) == entity.chain
    identifiers = authenticated(connection, Scp03KeyParams()).get_supported_ca_identifiers()
    assert identifiers == {OCE_REF: b"\x11" * 20}
    session = authenticated(connection, Scp03KeyParams())
    session.delete_key(ref.kid, ref.kvn)
    assert session.get_certificate_bundle(ref) == []


def test_a_point_off_the_curve_is_no_key(opened):
    with pytest.raises(ApduError) as caught:
        opened.protocol.send_apdu(
            0x80, 0xD8, 0, 0x10, bytes.fromhex("03B041") + b"\x04" + bytes(63) + b"\x01" + bytes.fromhex("F0010000")
        )
    assert caught.value.sw == SW.INCORRECT_PARAMETERS
