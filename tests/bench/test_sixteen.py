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
from itertools import count, islice
from pathlib import Path
from statistics import fmean
from typing import Any

from cardkit.production.sim.order import SimOrder
from cardkit.virtual import make_card
from tests.interop.link.slots import Inserted, Readers, wait_until
from tests.interop.stack import SOCKET, Stack, require_stack, running

COUPLERS = 16
ASKED, GUARDED = 0.95, 0.75  # what two processors give to 16 couplers, 16 cards and the service, with others at work
CARD_S = 0.005
ROUNDS = 3
WITHIN_S = 120

# One process for each reader, as a station has; each sends what the station sent there, and checks what it gets.
BARE_LOOP = """
import json, sys, time
from multiprocessing import get_context
from pathlib import Path
from smartcard import scard as s

POWER = {"cold": s.SCARD_UNPOWER_CARD, "warm": s.SCARD_RESET_CARD}

def connected(context, name):
    while True:
        result, card, protocol = s.SCardConnect(context, name, s.SCARD_SHARE_EXCLUSIVE, s.SCARD_PROTOCOL_ANY)
        if result != s.SCARD_E_SHARING_VIOLATION:  # the station has not let go yet
            assert result == 0, result
            return card, protocol

def loop(name, script, gate):
    _, context = s.SCardEstablishContext(s.SCARD_SCOPE_USER)
    card, protocol = connected(context, name)
    steps = [(step[0], list(bytes.fromhex(step[1])), list(bytes.fromhex(step[2]))) for step in script]
    gate.wait()
    start = time.perf_counter()
    for power, command, expected in steps:
        if power:
            result, _ = s.SCardReconnect(card, s.SCARD_SHARE_EXCLUSIVE, protocol, POWER[power])
            assert result == 0, result
        else:
            result, answer = s.SCardTransmit(card, protocol, command)
            assert (result, answer) == (0, expected), (result, command[:4], answer)
    seconds = time.perf_counter() - start
    s.SCardDisconnect(card, s.SCARD_UNPOWER_CARD)
    return seconds

def work(name, script, gate, found):
    found.put(loop(name, script, gate))

if __name__ == "__main__":
    scripts = json.loads(Path(sys.argv[1]).read_text())
    fork = get_context("fork")
    gate, found = fork.Barrier(len(scripts)), fork.Queue()
    loops = [fork.Process(target=work, args=(name, script, gate, found)) for name, script in scripts.items()]
    for each in loops:
        each.start()
    print(sum(found.get() for _ in loops) / len(loops))
    for each in loops:
        each.join()
"""

Step = tuple[str, str, str]
"""What was done to a card: a reset (``cold``, ``warm``), or a command and its answer, in hex."""


class SlowCard:
    """A USIM that takes five milliseconds for each command, keeps what is done to it, and can begin anew.

    :ivar done: so far.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.rewind()

    def rewind(self) -> None:
        """Become the blank chip again, the same one, without leaving the reader."""
        self._card = make_card("usim", seed=self._seed)
        self.done: list[Step] = []

    @property
    def script(self) -> list[Step]:
        """What was done up to the last command: what comes after that is the reader's doing, too."""
        last = max(at for at, (power, _, _) in enumerate(self.done) if not power)
        return self.done[: last + 1]

    @property
    def commands(self) -> int:
        """How many commands were sent."""
        return sum(not power for power, _, _ in self.done)

    def atr(self) -> bytes:
        """Return its ATR."""
        return self._card.atr()

    def power(self, cold: bool) -> None:
        """Reset it; what happens before the first command is the reader's doing."""
        if self.done:
            self.done.append(("cold" if cold else "warm", "", ""))
        self._card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        """Answer after five milliseconds, whatever the command."""
        due = time.monotonic() + CARD_S
        answer = self._card.transmit(command)
        self.done.append(("", command.hex(), answer.hex()))
        time.sleep(max(0.0, due - time.monotonic()))
        return answer


@dataclass(frozen=True)
class Sixteen:
    """Rounds of sixteen cards, all couplers at work, each followed by a bare loop that does the same to the same chips.

    :param rounds: what the station said of each card, round by round.
    :param commands: to one card.  :param bare: seconds of a card in the bare loop, round by round, mean of all readers.
    """

    rounds: list[list[dict[str, Any]]]
    commands: float
    bare: list[float]

    @property
    def bare_s(self) -> float:
        """Of a card in a bare loop, in the best round."""
        return min(self.bare)

    @property
    def station_s(self) -> float:
        """Of a card, from its record to its verdict, in the best round."""
        rounds: list[float] = [fmean(card["times"]["whole"] for card in cards) for cards in self.rounds]
        return min(rounds) / 1000

    @property
    def software(self) -> float:
        """What is neither card nor line, of all time, 0 to 1."""
        times: list[dict[str, float]] = [card["times"] for cards in self.rounds for card in cards]
        return 1 - sum(time["card"] for time in times) / sum(time["whole"] for time in times)

    @property
    def ratio(self) -> float:
        """The station's rate of the bare loop's."""
        return self.bare_s / self.station_s

    def __str__(self) -> str:
        rate = COUPLERS * self.commands
        return (
            f"16 couplers, 5 ms cards: station {rate / self.station_s:,.0f} APDU/s,"
            f" bare scard {rate / self.bare_s:,.0f} APDU/s, ratio {self.ratio:.3f} (asked {ASKED});"
            f" software share {self.software:.3f}"
        )


class Floor:
    """Sixteen readers, a store with records to spare, and the cards that lie there."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._readers = Readers(stack)
        self._seeds = count(1)
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
        self.chips = [SlowCard(seed) for seed in islice(self._seeds, COUPLERS)]
        self._seated = [self._readers.insert(chip, index=at, wait=False) for at, chip in enumerate(self.chips)]
        for card in self._seated:
            card.wait_until_seen()

    def bare_loop(self) -> float:
        """Do to each chip what was done to it, from its beginning; return the seconds of a card, mean of all."""
        scripts = {name: chip.script for name, chip in zip(self._stack.names, self.chips, strict=True)}
        for chip in self.chips:
            chip.rewind()
        path = self._folder / "scripts.json"
        path.write_text(json.dumps(scripts))
        seconds = float(self.said("-c", BARE_LOOP, str(path)))
        assert [chip.script for chip in self.chips] == list(scripts.values())
        return seconds

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
    """Make cards on each of sixteen readers, round by round, each with a bare loop after it.

    A first round is not measured: the couplers are starting still.
    """
    floor, rounds, bare = Floor(stack, folder), [], []
    with floor.station() as cards:
        for _ in range(1 + ROUNDS):
            floor.fresh_cards()
            rounds.append(list(islice(cards, COUPLERS)))
            assert {card["verdict"] for card in rounds[-1]} == {"GOOD"}
            commands = fmean(chip.commands for chip in floor.chips)
            bare.append(floor.bare_loop())
    floor.clear()
    return Sixteen(rounds[1:], commands, bare[1:])


def test_a_station_keeps_up_with_a_bare_loop(tmp_path: Path) -> None:
    require_stack()
    usual = sys.getswitchinterval()
    sys.setswitchinterval(CARD_S / 100)  # all cards are threads of this process: none may hold up another
    os.environ["PCSCLITE_CSOCK_NAME"] = str(SOCKET)
    with running(COUPLERS) as stack:
        found = sixteen(stack, tmp_path)
    sys.setswitchinterval(usual)
    print(f"\n{found}")
    assert all(len({card["coupler"] for card in cards}) == COUPLERS for cards in found.rounds)
    assert found.ratio >= GUARDED
