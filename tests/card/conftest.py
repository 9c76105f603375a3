"""A terminal that speaks hex to a virtual card, and the cards the tests use."""

import json
from pathlib import Path

import pytest

from cardkit.virtual import VirtualCard

VECTORS = Path(__file__).parents[1] / "vectors"
ADM1 = "4142434445464748"
PIN = "30303030FFFFFFFF"
PUK = "3030303030303030"


class Terminal:
    """Sends hex, answers upper-case hex; keeps the card at hand for judging its memory."""

    def __init__(self, card):
        self.card = card

    def __call__(self, command):
        return self.card.transmit(bytes.fromhex(command)).hex().upper()

    def adm(self):
        assert self(f"0020000A08{ADM1}") == "9000"
        return self

    def select(self, path):
        """SELECT by path from the MF, without an answer."""
        return self(f"00A4080C{len(path) // 2:02X}{path}")

    def body(self, path):
        return self.card.memory()[path].hex().upper()


@pytest.fixture
def usim():
    return Terminal(VirtualCard("usim", seed=1))


@pytest.fixture
def usim_t0():
    return Terminal(VirtualCard("usim", seed=1, protocol=0))


@pytest.fixture
def sim2g():
    return Terminal(VirtualCard("sim2g", seed=1))


@pytest.fixture(scope="session")
def auth_vectors():
    return json.loads((VECTORS / "uicc_auth.json").read_text())


@pytest.fixture(scope="session")
def dumps():
    return json.loads((VECTORS / "uicc_dumps.json").read_text())
