"""Sixteen couplers through pcscd with 5 ms cards: a station beside a bare scard loop, in the same run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

from cardkit.production.sim.order import SimOrder
from cardkit.virtual import VirtualCard
from tests.interop.link.slots import Inserted, Readers, wait_until
from tests.interop.stack import SOCKET, Stack, require_stack, running

COUPLERS = 16
ASKED, GUARDED = 0.95, 0.75  # the rest is what two processors give to 16 couplers, 16 cards and the service
CARD_S = 0.005
BARE_COMMANDS = 100
ROUNDS = 3
WITHIN_S = 120

# One process for each reader, as a station has; each says how long so many commands took it.
BARE_LOOP = """
import sys, time
from multiprocessing import get_context
from smartcard import scard as s

def loop(name, commands, gate):
    _, context = s.SCardEstablishContext(s.SCARD_SCOPE_USER)
    result, card, protocol = s.SCardConnect(context, name, s.SCARD_SHARE_EXCLUSIVE, s.SCARD_PROTOCOL_ANY)
    assert result == 0, result
    select = list(bytes.fromhex("00A4000C023F00"))
    gate.wait()
    start = time.perf_counter()
    for _ in range(commands):
        result, answer = s.SCardTransmit(card, protocol, select)
        assert (result, answer) == (0, [0x90, 0x00]), (result, answer)
    seconds = time.perf_counter() - start
    s.SCardDisconnect(card, s.SCARD_UNPOWER_CARD)
    return seconds

def work(name, commands, gate, found):
    found.put(loop(name, commands, gate))

if __name__ == "__main__":
    commands, names = int(sys.argv[1]), sys.argv[2:]
    spawn = get_context("fork")
    gate, found = spawn.Barrier(len(names)), spawn.Queue()
    loops = [spawn.Process(target=work, args=(name, commands, gate, found)) for name in names]
    for each in loops:
        each.start()
    print(sum(found.get() for _ in loops) / len(loops))
    for each in loops:
        each.join()
"""


class SlowCard:
    """A USIM that takes five milliseconds for each command, and counts them."""

    def __init__(self) -> None:
        self._card = VirtualCard("usim")
        self.commands = 0

    def atr(self) -> bytes:
        """Return its ATR."""
        return self._card.atr()

    def power(self, cold: bool) -> bytes:
        """Reset it."""
        return self._card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        """Answer after five milliseconds, whatever the command."""
        due = time.monotonic() + CARD_S
        answer = self._card.transmit(command)
        self.commands += 1
        time.sleep(max(0.0, due - time.monotonic()))
        return answer


@dataclass(frozen=True)
class Sixteen:
    """What was measured, while all couplers were at work.

    :param cards: what the station said of each.  :param commands: of one card.
    :param bare_s: of as many commands in a bare loop.
    """

    cards: list[dict[str, Any]]
    commands: float
    bare_s: float

    @property
    def station_s(self) -> float:
        """Of a card, from its record to its verdict."""
        return fmean(card["times"]["whole"] for card in self.cards) / 1000

    @property
    def ratio(self) -> float:
        """The station's rate of the bare loop's."""
        return self.bare_s / self.station_s

    def __str__(self) -> str:
        rate, card_s = COUPLERS * self.commands, fmean(card["times"]["card"] for card in self.cards) / 1000
        return (
            f"16 couplers, 5 ms cards: station {rate / self.station_s:,.0f} APDU/s,"
            f" bare scard {rate / self.bare_s:,.0f} APDU/s, ratio {self.ratio:.3f} (asked {ASKED});"
            f" software share {1 - card_s / self.station_s:.3f}"
        )


class Floor:
    """Sixteen readers, a store with records to spare, and the cards that lie there."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._readers = Readers(stack)
        self.chips: list[SlowCard] = []
        self._seated: list[Inserted] = []
        SimOrder((ROUNDS + 2) * COUPLERS, 1).write(folder / "b1.csv")
        self.said("-m", "cardkit", "batch", "import", "sim/usim-test", "b1.csv")

    def fresh_cards(self) -> None:
        """Take all cards out and put new ones in, all at once."""
        for card in self._seated:
            card.eject(wait=False)
        for name in self._stack.names:
            wait_until(name, lambda seen: not seen.present, "the removal")
        self.chips = [SlowCard() for _ in range(COUPLERS)]
        self._seated = [self._readers.insert(chip, index=at, wait=False) for at, chip in enumerate(self.chips)]
        for card in self._seated:
            card.wait_until_seen()

    def bare_loop(self) -> float:
        """Return the seconds of one command, mean of all readers."""
        return float(self.said("-c", BARE_LOOP, str(BARE_COMMANDS), *self._stack.names)) / BARE_COMMANDS

    @contextmanager
    def station(self) -> Iterator[Iterator[dict[str, Any]]]:
        """Run a station on all readers; what it says of each card. It is interrupted at the end of the block."""
        targets = [part for index in range(COUPLERS) for part in ("--reader", f"pcsc:{index}")]
        command = [sys.executable, "-m", "cardkit", "station", "run", "--station", "S1", "--json", *targets]
        with subprocess.Popen(
            command, cwd=self._folder, env=self._stack.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as running:
            assert running.stdout is not None
            told = (json.loads(line) for line in running.stdout)
            yield (line for line in told if line["event"] == "CardDone")
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=WITHIN_S)

    def said(self, *words: str) -> str:
        """Run Python on the stack."""
        command = [sys.executable, *words]
        done = subprocess.run(
            command, cwd=self._folder, env=self._stack.environment, capture_output=True, text=True, timeout=WITHIN_S,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    def clear(self) -> None:
        """Take every card out."""
        self._readers.clear()


def sixteen(stack: Stack, folder: Path) -> Sixteen:
    """Make cards on each of sixteen readers, round by round, and return the best round after the first.

    In the first the couplers are starting still. The bare loop runs as often, on the cards of the first.
    """
    floor = Floor(stack, folder)
    floor.fresh_cards()
    command_s = min(floor.bare_loop() for _ in range(ROUNDS))
    rounds = []
    with floor.station() as cards:
        list(islice(cards, COUPLERS))
        for _ in range(ROUNDS):
            floor.fresh_cards()
            made = list(islice(cards, COUPLERS))
            assert {card["verdict"] for card in made} == {"GOOD"}
            commands = fmean(chip.commands for chip in floor.chips)
            rounds.append(Sixteen(made, commands, command_s * commands))
    floor.clear()
    return max(rounds, key=lambda found: found.ratio)


def test_a_station_keeps_up_with_a_bare_loop(tmp_path: Path) -> None:
    require_stack()
    usual = sys.getswitchinterval()
    sys.setswitchinterval(CARD_S / 100)  # all cards are threads of this process: none may hold up another
    os.environ["PCSCLITE_CSOCK_NAME"] = str(SOCKET)
    with running(COUPLERS) as stack:
        found = sixteen(stack, tmp_path)
    sys.setswitchinterval(usual)
    print(f"\n{found}")
    assert len({card["coupler"] for card in found.cards}) == COUPLERS
    assert found.ratio >= GUARDED
