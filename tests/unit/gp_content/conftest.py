"""What the tests of card content share: virtual cards with an open session, and a card that says what it is told."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cardkit.apps.gp.client import SecurityDomain
from cardkit.channel import Channel
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.secure.levels import SecurityLevel
from cardkit.target import open_card
from cardkit.transport.base import TransmissionProtocol

LEVELS = {"gp-scp02": SecurityLevel(0x03), "gp-scp03": SecurityLevel(0x33)}
SETS = {"gp-scp02": "test:gp-default-3des", "gp-scp03": "test:gp-default"}


@pytest.fixture
def keystore() -> MemoryKeyStore:
    """The published test keys and three sets of a plant's own."""
    store = MemoryKeyStore.with_published_test_keys()
    for number, name in enumerate(("enc", "mac", "dek")):
        for algorithm, size in (("AES-128", 16), ("AES-192", 24), ("AES-256", 32), ("3DES-128", 16)):
            value = bytes((7 * number + 11 * place + size) % 251 for place in range(size))
            store.add(f"test:{name}-{algorithm.lower()}", Key(value, name, algorithm, Usage.SECURE_CHANNEL))
    store.add("test:content", Key(bytes(range(0x50, 0x60)), "content", "AES-128", Usage.SIGN))
    return store


class Open:
    """An open session with a virtual card."""

    def __init__(self, channel: Channel, domain: SecurityDomain) -> None:
        self.channel = channel
        self.domain = domain


@contextmanager
def opened(keystore: MemoryKeyStore, image: str, level: SecurityLevel | None = None) -> Iterator[Open]:
    """Open the issuer security domain of a fresh virtual card."""
    with open_card(f"virtual:{image}", seed=1) as card:
        domain = SecurityDomain.select(card.channel)
        wanted = LEVELS[image] if level is None else level
        domain.open(keystore, parse_key_set(SETS[image]), wanted, host_challenge=secrets.token_bytes(16))
        yield Open(card.channel, domain)


@pytest.fixture(params=["gp-scp02", "gp-scp03"])
def card(request: pytest.FixtureRequest, keystore: MemoryKeyStore) -> Iterator[Open]:
    """Both blank virtual cards, each opened at the strongest level."""
    with opened(keystore, request.param) as card:
        yield card


@pytest.fixture
def scp03(keystore: MemoryKeyStore) -> Iterator[Open]:
    """The blank virtual card with SCP03."""
    with opened(keystore, "gp-scp03") as card:
        yield card


class ScriptedConnection:
    """A card that answers from a list and keeps what it was sent."""

    reader = "scripted"
    atr = bytes.fromhex("3BFB9600008031FE458073C021D7655647330001E4")
    protocol = TransmissionProtocol.T1

    def __init__(self, *answers: str) -> None:
        self.answers = [bytes.fromhex(answer) for answer in answers]
        self.sent: list[str] = []

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command.hex().upper())
        return self.answers.pop(0)

    def reset(self, *, cold: bool) -> bytes:
        return self.atr

    def close(self) -> None:
        pass


def listed(aid: str, state: int = 0x07, privileges: str = "000000", more: str = "") -> str:
    """Return a page of GET STATUS with one entry."""
    inner = f"4F{len(aid) // 2:02X}{aid}9F7001{state:02X}C503{privileges}{more}"
    return f"E3{len(inner) // 2:02X}{inner}9000"


NOT_LISTED = "6A88"


def scripted(*answers: str) -> tuple[SecurityDomain, ScriptedConnection]:
    """Return a domain without a session on a card that gives these answers, SELECT's first left out."""
    connection = ScriptedConnection("6F108408A000000151000000A5049F6501FF9000", *answers)
    return SecurityDomain.select(Channel(connection)), connection
