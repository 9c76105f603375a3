"""A client by somebody else opens secure channels with our card through pcscd: yubikit's SecurityDomainSession.

yubikit 5.9 (PyPI yubikey-manager) always works at level 33, encrypts empty data, sends INITIALIZE UPDATE without Le,
and goes by the second byte of the ATR: Fx means extended length, anything else short APDUs with ISO chaining. Each card
is a fresh chip that ``cardkit virtual serve`` puts into the reader.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import reduce
from operator import xor
from pathlib import Path

import pytest

from tests.interop.opensc import served
from tests.interop.stack import Stack

pytestmark = pytest.mark.interop

try:
    from cryptography.hazmat.primitives.asymmetric import ec
    from smartcard.Exceptions import SmartcardException
    from smartcard.System import readers
    from ykman.pcsc import ScardSmartCardConnection
    from yubikit.core import TRANSPORT
    from yubikit.core.smartcard import SW, ApduError
    from yubikit.core.smartcard.scp import KeyRef, Scp03KeyParams, Scp11KeyParams, ScpKid, StaticKeys
    from yubikit.securitydomain import Curve, SecurityDomainSession

    from tests.card.gp.test_yubikit import NEW, NEW_REF, OCE_REF, Entity, authenticated
except ImportError as error:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(f"{error}: pip install yubikey-manager", allow_module_level=True)

IMAGES = Path(__file__).parents[2] / "cardkit/virtual/images"
EXTENDED_ATR = "3BFB9600008031FE458073C021D7655647330001E4"


def short_atr() -> str:
    """The card's ATR without its second and third interface bytes, which say nothing: T0 is 9B instead of FB."""
    body = bytes.fromhex("9B96" + EXTENDED_ATR[10:-2])
    return (b"\x3b" + body + bytes((reduce(xor, body),))).hex().upper()


@pytest.fixture(params=["extended", "short and chained"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same card under both kinds of ATR."""
    if request.param == "extended":
        return "gp-scp03"
    path = tmp_path / "gp-scp03-short.toml"
    text = (IMAGES / "gp-scp03.toml").read_text(encoding="utf-8")
    assert EXTENDED_ATR in text
    path.write_text(text.replace(EXTENDED_ATR, short_atr()), encoding="utf-8")
    return str(path)


@pytest.fixture
def connection(stack: Stack, image: str) -> Iterator[ScardSmartCardConnection]:
    """yubikit's own connection to a fresh card in reader 0."""
    with served(stack, image):
        found = next(reader for reader in readers() if str(reader) == stack.names[0])
        connected = ScardSmartCardConnection(found.createConnection())
        yield connected
        with contextlib.suppress(SmartcardException):
            connected.close()


@pytest.fixture
def opened(connection: ScardSmartCardConnection) -> SecurityDomainSession:
    """A session with the initial key set."""
    return authenticated(connection, Scp03KeyParams())


def test_it_takes_the_length_from_the_atr(connection: ScardSmartCardConnection, image: str) -> None:
    assert connection.transport == (TRANSPORT.USB if image == "gp-scp03" else TRANSPORT.NFC)


def test_scp03_lists_puts_and_deletes_keys(connection: ScardSmartCardConnection) -> None:
    with pytest.raises(ValueError, match="Incorrect SCP parameters"):
        authenticated(connection, Scp03KeyParams(keys=NEW))
    session = authenticated(connection, Scp03KeyParams())
    assert {ref.kid for ref in session.get_key_information() if ref.kvn == 0xFF} == {1, 2, 3}
    assert session.get_card_recognition_data().hex().startswith("06072a864886fc6b01")
    session.put_key(NEW_REF, NEW)
    other, ref = StaticKeys(*(bytes(reversed(key)) for key in NEW)), KeyRef(ScpKid.SCP03, 0x31)
    authenticated(connection, Scp03KeyParams(NEW_REF, NEW)).put_key(ref, other, replace_kvn=NEW_REF.kvn)
    last = authenticated(connection, Scp03KeyParams(ref, other))
    assert {found.kvn for found in last.get_key_information() if found.kid == 1} == {0x31}
    last.delete_key(kvn=0x31, delete_last=True)
    assert not [found for found in last.get_key_information() if found.kid == 1]


@pytest.mark.parametrize("curve", [Curve.SECP256R1, Curve.SECP384R1])
def test_a_key_made_on_the_card_opens_scp11b(
    connection: ScardSmartCardConnection, opened: SecurityDomainSession, curve: Curve
) -> None:
    ref = KeyRef(ScpKid.SCP11b, 0x05)
    session = authenticated(connection, Scp11KeyParams(ref, opened.generate_ec_key(ref, curve)))
    assert ref in session.get_key_information()
    with pytest.raises(ApduError) as caught:
        session.delete_key(kvn=0x05)
    assert caught.value.sw == SW.SECURITY_CONDITION_NOT_SATISFIED


@pytest.mark.parametrize("kid", [ScpKid.SCP11a, ScpKid.SCP11c])
def test_certificates_open_scp11_and_keys_are_managed(
    connection: ScardSmartCardConnection, opened: SecurityDomainSession, kid: ScpKid
) -> None:
    entity, own, ref = Entity(), ec.generate_private_key(ec.SECP256R1()), KeyRef(kid, 0x03)
    entity.trusted_by(opened)
    opened.put_key(ref, own)
    params = Scp11KeyParams(ref, own.public_key(), OCE_REF, entity.key, entity.chain)
    authenticated(connection, params).put_key(NEW_REF, NEW)
    keys = authenticated(connection, Scp03KeyParams(NEW_REF, NEW)).get_key_information()
    assert {ref, NEW_REF, OCE_REF} <= keys.keys()


def test_certificates_authorities_and_allow_lists_are_stored(
    connection: ScardSmartCardConnection, opened: SecurityDomainSession
) -> None:
    entity, own, ref = Entity(), ec.generate_private_key(ec.SECP256R1()), KeyRef(ScpKid.SCP11a, 0x03)
    entity.trusted_by(opened)
    opened.put_key(ref, own)
    opened.store_certificate_bundle(ref, entity.chain)
    opened.store_allowlist(OCE_REF, [entity.chain[-1].serial_number + 1])
    assert SecurityDomainSession(connection).get_certificate_bundle(ref) == entity.chain
    params = Scp11KeyParams(ref, own.public_key(), OCE_REF, entity.key, entity.chain)
    with pytest.raises(ApduError):
        authenticated(connection, params)
    session = authenticated(connection, Scp03KeyParams())
    assert session.get_supported_ca_identifiers() == {OCE_REF: b"\x11" * 20}
    session.store_allowlist(OCE_REF, [entity.chain[-1].serial_number])
    assert authenticated(connection, params).get_key_information()
