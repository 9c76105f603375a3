"""A blank social card, a finished one, and terminals for each of its applications."""

import copy
from functools import lru_cache

import pytest

from cardkit.virtual import make_card
from tests.card.cipurse.terminal import Bench
from tests.card.eid import structure
from tests.card.emv import bureau, issuance

ISD, PAYMENT = issuance.ISD, issuance.AID
IDENTITY, TRANSPORT, ADF = "F276A288BCFBA69D34F31001", "F0434950555253450001", Bench.AID
PIN, OTHER_PIN = "31323334", "35363738"
VERIFY = "0020000104"
STATUS_FILE = "536F6369616C20737461747573"  # what the status file says


class Terminal:
    """Hex to the card, upper-case hex back."""

    def __init__(self, card):
        self.card = card

    def __call__(self, command):
        return self.card.transmit(bytes.fromhex(command)).hex().upper()

    def ok(self, *commands):
        """Commands that must succeed; the data of the last."""
        for command in commands:
            answer = self(command)
            assert answer.endswith("9000"), f"{command} -> {answer}"
        return answer[:-4]

    def select(self, aid, le="00"):
        return self(f"00A40400{len(aid) // 2:02X}{aid}{le}")

    def enter(self, aid):
        """A selection that must succeed."""
        answer = self.select(aid)
        assert answer.endswith("9000"), answer
        return answer[:-4]

    def cells(self, prefix):
        return {name: value for name, value in self.card.memory().items() if name.startswith(prefix)}


def identify(terminal):
    """The identity: a status file that anybody reads and the PIN changes, and the PIN."""
    terminal.enter(IDENTITY)
    terminal.ok(structure.directory("5015", "A000000063504B43532D3135"))
    terminal.ok(structure.file("0001", 13, access="FF00000000009000"), f"00D600000D{STATUS_FILE}")
    terminal.ok("002401010" + f"4{PIN}")


def give_transport(terminal):
    """The transport application: an ADF with keys, a file that is changed at once and one that waits."""
    terminal.enter(TRANSPORT)
    bench = Bench(terminal.card)
    bench.with_adf(bench.ef("0001", extent="0004"), bench.ef("0002", fd="11", sfid=2, extent="0004"))
    terminal.ok("00D6810004CAFEBABE")


@lru_cache(maxsize=1)
def finished_card():
    terminal = Terminal(make_card("social", seed=1))
    bureau.personalize(terminal.card, issuance.card(), contactless=True)
    identify(terminal)
    give_transport(terminal)
    return terminal


@pytest.fixture
def blank():
    return Terminal(make_card("social", seed=1))


@pytest.fixture
def finished():
    """A fresh copy of a card with all three applications, after a reset."""
    found = copy.deepcopy(finished_card())
    found.card.power(cold=True)
    return found
