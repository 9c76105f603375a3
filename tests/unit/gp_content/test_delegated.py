"""Signatures on the virtual card: DAP blocks it verifies, tokens it asks for, receipts it gives."""

from __future__ import annotations

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.apps.gp import domain as domains
from cardkit.apps.gp import domain_content as content
from cardkit.apps.gp import domain_keys as keys
from cardkit.apps.gp import domain_lifecycle as lifecycle
from cardkit.apps.gp.cap import CapFile, digest
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.dap import sign_dap
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.domain import DomainIdentity, DomainParameters
from cardkit.apps.gp.domain_content import Delegation
from cardkit.apps.gp.domain_data import P1Choice
from cardkit.apps.gp.install import for_install, for_load
from cardkit.apps.gp.load import LoadFile
from cardkit.apps.gp.putkey import ec_public_key, symmetric_key
from cardkit.apps.gp.tags import Privilege, Privileges
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, parse_key_set
from cardkit.crypto.private import PrivateKey
from cardkit.errors import CardError
from cardkit.secure.levels import SecurityLevel

from .capfiles import APPLET, PACKAGE, archive, components
from .conftest import SETS, Open
from .test_domain import SSD, channel_set
from .test_domain_keys import own

BLOCK = CapFile.parse(archive(components(1000))).load_file_data_block()
LEVEL = SecurityLevel(0x33)


def private_key(name: str) -> tuple[PrivateKey, bytes]:
    """Return a fresh EC key for signing, and its public point."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return PrivateKey.of(key, name, Usage.SIGN), point


def with_domain(card: Open, keystore: MemoryKeyStore, *privileges: Privilege) -> SecurityDomain:
    """Make a personalized security domain with keys of its own, and open it."""
    granted = Privileges.of([Privilege.SECURITY_DOMAIN, *privileges])
    domains.create(card.domain, SSD, DomainParameters(((0x03, 0x70),)), privileges=granted)
    own_keys = own("AES-128")
    domains.load_keys(card.domain, SSD, channel_set(card.domain, own_keys), P1Choice())
    ssd = SecurityDomain.select(card.channel, SSD)
    ssd.open(keystore, own_keys, LEVEL, host_challenge=secrets.token_bytes(16))
    return ssd


def back_to_issuer(card: Open, keystore: MemoryKeyStore) -> SecurityDomain:
    domain = SecurityDomain.select(card.channel)
    domain.open(keystore, parse_key_set(SETS["gp-scp03"]), LEVEL, host_challenge=secrets.token_bytes(16))
    return domain


def test_a_domain_that_verifies_signatures_takes_no_code_without_one(scp03: Open, keystore: MemoryKeyStore) -> None:
    key, point = private_key("dap")
    keystore.add("test:dap", key)
    ssd = with_domain(scp03, keystore, Privilege.DAP_VERIFICATION)
    keys.put_one(ssd, 0x73, 1, ec_public_key(point, 0))
    domains.personalize(ssd, DomainIdentity(b"\x01", b"\x02"), P1Choice())
    announce = for_load(PACKAGE, SSD, digest=digest(BLOCK))
    wrong = sign_dap(keystore, "test:dap", SSD, digest(BLOCK + b"\0"))
    for daps in ((), (wrong,)):
        with pytest.raises(CardError):
            content.load(back_to_issuer(scp03, keystore), PACKAGE, LoadFile(BLOCK, daps), announce=announce)
    right = sign_dap(keystore, "test:dap", SSD, digest(BLOCK))
    content.load(back_to_issuer(scp03, keystore), PACKAGE, LoadFile(BLOCK, (right,)), announce=announce)


def test_delegated_management_with_tokens_and_receipts(scp03: Open, keystore: MemoryKeyStore) -> None:
    key, point = private_key("token")
    keystore.add("test:token", key)
    value = bytes((3 * place + 5) % 251 for place in range(16))
    keystore.add("test:receipt", Key(value, "receipt", "AES-128", Usage.SIGN))
    keystore.add("test:receipt-for-card", Key(value, "receipt", "AES-128", Usage.CARD_KEY))
    keys.put_one(scp03.domain, 0x70, 1, ec_public_key(point, 0))
    receipt_key = symmetric_key(scp03.domain.dek().wrap(CardKey("test:receipt-for-card")))
    keys.put_one(scp03.domain, 0x71, 1, receipt_key)
    ssd = with_domain(scp03, keystore, Privilege.DELEGATED_MANAGEMENT)
    domains.personalize(ssd, DomainIdentity(b"\x01", b"\x02"), P1Choice())
    announce = for_load(PACKAGE, SSD, digest=digest(BLOCK))
    with pytest.raises(CardError):
        content.load(ssd, PACKAGE, LoadFile(BLOCK), announce=announce)
    content.load(ssd, PACKAGE, LoadFile(BLOCK), announce=announce, delegation=Delegation(keystore, "test:token"))
    delegation = Delegation(keystore, "test:token", "test:receipt")
    installation = for_install((PACKAGE, APPLET), APPLET, Privileges())
    installed = content.install(ssd, installation, delegation=delegation)
    assert installed is not None
    later = Delegation(keystore, "test:token", "test:receipt", after=installed.counter)
    deleted = lifecycle.delete(ssd, Delete(APPLET), delegation=later)
    assert deleted is not None
    assert deleted.counter == installed.counter + 1
