"""Test keys from files, and yubikit's session with a card in process."""

from functools import lru_cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from yubikit.core import TRANSPORT
from yubikit.piv import PivSession

from cardkit.virtual import make_card
from tests.card.gp.test_yubikit import InProcess


@lru_cache
def rsa_key(bits):
    """A test key from a file: making one is slow."""
    return load_pem_private_key((Path(__file__).parent / f"rsa-{bits}.pem").read_bytes(), None)


@pytest.fixture
def piv():
    return make_card("piv", seed=1)


@pytest.fixture(params=[TRANSPORT.USB, TRANSPORT.NFC], ids=["extended", "short and chained"])
def session(piv, request):
    """yubikit's session, at both lengths; the card at hand as `session.card`."""
    made = PivSession(InProcess(piv, request.param))
    made.card = piv
    return made


@pytest.fixture
def send(piv):
    """Hex to the card, upper-case hex back."""

    def exchange(command):
        return piv.transmit(bytes.fromhex(command)).hex().upper()

    return exchange
