"""A CIPURSE card that cardkit made through pcscd and vpcd; and one judged by a terminal that shares nothing with us."""

from __future__ import annotations

import pytest

from cardkit.perso import MarkerState, Verdict, identify, personalize, verify
from cardkit.target import open_card
from tests.card.cipurse.terminal import ENC, MAC, PLAIN, Terminal
from tests.interop.opensc import served
from tests.interop.stack import Stack
from tests.unit.cipurse.conftest import Job, bad

pytestmark = pytest.mark.interop

CITY = "D2760000041502000003000101"


def test_a_card_is_made_and_verified_through_pcscd(stack: Stack) -> None:
    job = Job()
    with served(stack, "cipurse"), open_card(f"pcsc:{stack.names[0]}") as card:
        assert identify(job.profile, card).state is MarkerState.BLANK
        outcome = personalize(job.plan(), card, job.keystore)
        assert (outcome.verdict, bad(outcome.findings)) == (Verdict.GOOD, set())
        report = verify(job.plan(), card, job.keystore)
        assert (report.verdict, bad(report.findings)) == (Verdict.GOOD, set())


class Gate:
    """Another terminal at a card that cardkit made; it is told the card's keys, nothing else."""

    def __init__(self) -> None:
        self.job = Job()
        self.chip = self.job.made()
        self.chip.power(True)
        self.uid = self.chip.transmit(bytes.fromhex("FFCA000000"))[:-2]

    def opened(self, number: int) -> Terminal:
        (city,) = self.job.plan().blueprint.product.applications
        terminal = Terminal(self.chip)
        terminal.ok(f"00A404000D{CITY}")
        with self.job.keystore.card_key(city.keys[number - 1].for_card(self.uid)) as key, key.reveal() as clear:
            terminal.opened(number, clear.hex().upper())
        return terminal


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_another_terminal_reads_what_was_written(gate: Gate) -> None:
    terminal = gate.opened(2)
    environment = terminal("00B0810040", PLAIN, MAC)
    assert environment[:34] == "010F555499900000012031010120361231"
    assert environment[64:78] == gate.uid.hex().upper()
    contract = terminal("00B2011430", MAC, ENC)
    assert (contract[:22], contract[-4:]) == ("0101102031010120361231", "9000")


def test_another_terminal_loads_and_spends_the_purse(gate: Gate) -> None:
    loader = gate.opened(3)
    assert loader("8032012404000002BC00") == "000002BC9000"
    assert loader("807E0000", PLAIN, PLAIN) == "9000"
    spender = gate.opened(2)
    assert spender("803201240400000001") == "6982"
    assert spender("8030012404000000FA00") == "000001C29000"
    assert spender("807E0000", PLAIN, PLAIN) == "9000"
    assert gate.opened(2)("8034012404") == "000001C29000"
