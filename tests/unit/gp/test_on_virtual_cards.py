"""Sessions with virtual cards, which share no code with the client: protocols, channels, levels, keys."""

from __future__ import annotations

from datetime import date

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cardkit.apps.gp.agreement import Agreement
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.registry import read_registry
from cardkit.crypto import MemoryKeyStore
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.errors import AuthenticationError, SecurityStatusError
from cardkit.secure.certificates import trusted_key
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.scp11 import Variant
from cardkit.target import open_card
from cardkit.transport.base import TransmissionProtocol

CARDS = {"virtual:gp-scp02": "test:gp-default-3des", "virtual:gp-scp03": "test:gp-default"}
CHALLENGE = bytes(range(16))
KEYSTORE = MemoryKeyStore.with_published_test_keys()


def open_session(domain: SecurityDomain, reference: str, level: SecurityLevel | None = None) -> None:
    domain.open(KEYSTORE, parse_key_set(f"FF={reference}"), level, host_challenge=CHALLENGE)


@pytest.mark.parametrize("protocol", [TransmissionProtocol.T0, TransmissionProtocol.T1])
@pytest.mark.parametrize(("reader", "reference"), CARDS.items())
def test_registry_over_both_protocols(reader: str, reference: str, protocol: TransmissionProtocol) -> None:
    with open_card(reader, seed=1, protocol=protocol) as card:
        domain = SecurityDomain.select(card.channel)
        open_session(domain, reference)
        registry = read_registry(domain)
        assert [entry.aid for entry in registry.isd] == [domain.aid]
        assert all(entry.modules for entry in registry.load_files)
        assert domain.key_information() is not None


@pytest.mark.parametrize(("reader", "reference"), CARDS.items())
def test_session_on_another_channel(reader: str, reference: str) -> None:
    with open_card(reader, seed=1) as card:
        other = card.channel.open_channel()
        domain = SecurityDomain.select(other)
        open_session(domain, reference)
        assert read_registry(domain).isd[0].aid == domain.aid
        # The session belongs to its channel: on the basic channel there is none.
        with pytest.raises(SecurityStatusError):
            read_registry(SecurityDomain.select(card.channel))
        assert read_registry(domain).isd[0].aid == domain.aid
        domain.close()
        card.channel.close_channel(other.number)


def test_sessions_follow_one_another_with_moving_counters() -> None:
    with open_card("virtual:gp-scp03", seed=1) as card:
        domain = SecurityDomain.select(card.channel)
        sequences = []
        for _ in range(3):
            open_session(domain, "test:gp-default")
            assert domain.greeting is not None
            sequences.append(int.from_bytes(domain.greeting.sequence or b"", "big"))
        assert sequences == [1, 2, 3]


def test_wrong_keys_spend_no_try() -> None:
    with open_card("virtual:gp-scp03", seed=1) as card:
        domain = SecurityDomain.select(card.channel)
        # The card's limit is ten tries: a client that sent EXTERNAL AUTHENTICATE would block it.
        for _ in range(12):
            with pytest.raises(AuthenticationError):
                domain.open(KEYSTORE, parse_key_set("FF=test:gp-default/kdf3"), None, host_challenge=CHALLENGE)
        open_session(domain, "test:gp-default", SecurityLevel.C_MAC)
        assert domain.session is not None


def test_scp11b_proves_the_card_and_gives_the_host_no_rights() -> None:
    with open_card("virtual:gp-scp03", seed=1) as card:
        domain = SecurityDomain.select(card.channel)
        chain = domain.certificates(0x01, Variant.B.kid)
        card_key = trusted_key(chain, [chain[0].public_key], now=date(2030, 1, 1))
        ephemeral = ec.derive_private_key(0x1234567, ec.SECP256R1())
        wanted = Agreement(Variant.B, 0x01, SecurityLevel(0x33), ephemeral, card_key)
        assert domain.open_scp11(KEYSTORE, wanted).level == 0x33
        keys = domain.key_information()
        assert keys is not None
        assert keys.find(0x01, Variant.B.kid) is not None
        with pytest.raises(SecurityStatusError):
            read_registry(domain)
