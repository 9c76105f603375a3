"""Personalization of applications, and making a supplementary security domain from nothing."""

from __future__ import annotations

import secrets

import pytest

from cardkit.apps.gp import domain as domains
from cardkit.apps.gp import domain_content as content
from cardkit.apps.gp import domain_data as data
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.dgi_keys import LoadedKey
from cardkit.apps.gp.domain import DomainIdentity, DomainParameters
from cardkit.apps.gp.domain_data import P1Choice
from cardkit.apps.gp.install import for_extradition
from cardkit.apps.gp.storedata import Encryption, Grouping, Structure
from cardkit.apps.gp.tags import Privileges, StatusKind
from cardkit.crypto import MemoryKeyStore
from cardkit.crypto.cardkeys import CardKeySet, parse_key_set
from cardkit.errors import EncodingError, KeyStoreError, ParameterError

from .conftest import LEVELS, SETS, Open, opened, scripted
from .test_domain_content import INSTANCE, sample
from .test_domain_keys import own
from .vectors import named

SSD = bytes.fromhex("A00000015153504101")
PROTOCOLS = {8: ((0x02, 0x55),), 16: ((0x03, 0x70),)}


def channel_set(parent: SecurityDomain, keys: CardKeySet) -> list[LoadedKey]:
    """The keys under the parent's DEK."""
    return domains.secure_channel_set(keys.kvn, [parent.dek().wrap(key) for key in (keys.enc, keys.mac, keys.dek)])


def test_parameters_of_a_security_domain() -> None:
    vector = named("gp_commands.json", "sd-install-parameters")
    values = vector["in"]
    parameters = DomainParameters(
        ((int(values["scp"], 16), int(values["i"], 16)),),
        bytes.fromhex(values["accept_extradition_here"]),
        bytes.fromhex(values["accept_delete"]),
        values["personalized_state"],
        bytes.fromhex(values["casd_capability"]),
        bytes.fromhex(values["accept_extradition_away"]),
    )
    assert parameters.build().hex().upper() == vector["out"]["value"]
    assert DomainParameters().build() == b""


def test_a_security_domain_has_the_privilege_of_one() -> None:
    domain, card = scripted()
    with pytest.raises(EncodingError, match="security domain A00000015153504101: privileges 000000"):
        domains.create(domain, SSD, DomainParameters(), privileges=Privileges())
    assert len(card.sent) == 1


@pytest.mark.parametrize("image", ["gp-scp02", "gp-scp03"])
def test_a_security_domain_from_installation_to_its_first_application(image: str, keystore: MemoryKeyStore) -> None:
    with opened(keystore, image) as card:
        block = card.domain.dek().block_size
        domains.create(card.domain, SSD, DomainParameters(PROTOCOLS[block], accept_here=b"\x80"))
        keys = own("3DES-128" if block == 8 else "AES-128", 0x20 if block == 8 else 0x30)
        loaded = channel_set(card.domain, keys)
        domains.load_keys(card.domain, SSD, loaded, P1Choice())
        ssd = SecurityDomain.select(card.channel, SSD)
        ssd.open(keystore, keys, LEVELS[image], host_challenge=secrets.token_bytes(16))
        identity = DomainIdentity(bytes.fromhex("010203"), bytes.fromhex("04050607"))
        domains.personalize(ssd, identity, P1Choice())
        assert (ssd.value(0x42), ssd.value(0x45)) == (identity.provider, identity.image)

        isd = SecurityDomain.select(card.channel)
        isd.open(keystore, parse_key_set(SETS[image]), LEVELS[image], host_challenge=secrets.token_bytes(16))
        assert content.require_entry(isd, StatusKind.APPLICATIONS, SSD).state == "PERSONALIZED"
        content.install(isd, sample())
        content.install(isd, for_extradition(SSD, INSTANCE))
        assert content.require_entry(isd, StatusKind.APPLICATIONS, INSTANCE).domain == SSD


def test_an_application_gets_clear_and_secret_groupings(card: Open, keystore: MemoryKeyStore) -> None:
    content.install(card.domain, sample())
    groupings = [
        Grouping(0x0101, bytes(range(200))),
        Grouping(0x0102, bytes(300)),
        Grouping(0x8000, b"sixteen secrets!", secret=True),
        Grouping(0x9000, b"\x01\x02\x03"),
    ]
    commands = data.groupings_commands(card.domain, groupings)
    assert [command.p1 for command in commands] == [0x08, 0x08, 0x08, 0x68, 0x88]
    assert b"sixteen secrets!" not in b"".join(command.encode() for command in commands)
    data.store(card.domain, commands, INSTANCE)


def test_a_secret_that_is_no_whole_block_is_refused_before_a_byte_is_sent(card: Open) -> None:
    with pytest.raises(KeyStoreError, match="expected a multiple of"):
        data.groupings_commands(card.domain, [Grouping(0x8010, bytes(7), secret=True)])


def test_objects_of_the_domain_itself(card: Open) -> None:
    commands = data.objects_commands(card.domain, DomainIdentity(b"\x01\x02", b"\x03", b"https://example.org").build())
    assert [command.p1 for command in commands] == [0x90]
    data.store(card.domain, commands)
    assert card.domain.value(0x42) == b"\x01\x02"


def test_a_chip_that_wants_another_p1() -> None:
    domain, card = scripted("9000", "9000")
    classic = P1Choice({(Structure.DGI, Encryption.NONE): 0x00}, {-1: 0x80})
    groupings = [Grouping(0x0101, bytes(200)), Grouping(0x0102, bytes(200))]
    data.store(domain, data.groupings_commands(domain, groupings, classic))
    assert [sent[:8] for sent in card.sent[1:]] == ["80E20000", "80E28001"]


def test_the_error_says_which_block_was_refused() -> None:
    domain, card = scripted("009000", "9000", "6A86")
    groupings = [Grouping(0x0101, bytes(200)), Grouping(0x0102, bytes(200)), Grouping(0x0103, bytes(200))]
    commands = data.groupings_commands(domain, groupings)
    with pytest.raises(ParameterError, match=r"STORE DATA 2 of 3 \(P1 08\): card answered 6A86"):
        data.store(domain, commands, INSTANCE)
    assert len(card.sent) == 4


def test_mixed_groupings_share_a_command(card: Open) -> None:
    groupings = [Grouping(0x0101, b"\x01"), Grouping(0x8000, bytes(range(16)), secret=True)]
    (command,) = data.groupings_commands(card.domain, groupings, P1Choice(mixed=True))
    assert command.p1 == 0xA8
