"""What goes wrong in a simulated plant, and when. Linux only: SIGSTOP, and processes found in /proc."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PROC = Path("/proc")
# How Python names a process that multiprocessing spawned.
SPAWNED = b"--multiprocessing-fork"
JITTER = (0.5, 1.5)


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How often what goes wrong, in the mean; less often where machines do not get to work in between.

    :param kills: couplers killed a second, 0 for none.  :param station_every_s: between two killed stations.
    :param stall_every_s, stall_s: between two stations that are stopped, and how long they are: longer than a lease.
    """

    kills: float = 1.0
    station_every_s: float = 30.0
    stall_every_s: float = 120.0
    stall_s: float = 45.0


class Victim(Protocol):
    """A machine, as faults see it."""

    @property
    def pid(self) -> int:
        """Its process."""
        ...

    @property
    def working(self) -> bool:
        """Whether it runs, and has bound some cards for each coupler since it was started or struck."""
        ...

    def struck(self) -> None:
        """Spare it until it works again."""
        ...


@dataclass(slots=True)
class FaultCounts:
    """What went wrong so far."""

    couplers: int = 0
    stations: int = 0
    stalls: int = 0


class Faults:
    """Kills and stops, each at its own times.

    :param workers: whether couplers are processes. Where they are threads of a station, what kills one kills all of
        its machine: then each kill is a station's.
    """

    def __init__(self, plan: FaultPlan, *, workers: bool, clock: Callable[[], float]) -> None:
        self.counts = FaultCounts()
        self._plan = plan
        self._clock = clock
        self._lot = random.Random()  # noqa: S311 - faults, not secrets
        self._stopped: dict[int, float] = {}
        kill = self._kill_worker if workers else self._kill_station
        every = 1 / plan.kills if plan.kills else float("inf")
        self._due: list[tuple[Callable[[int], None], float]] = [
            (kill, every),
            (self._kill_station, plan.station_every_s),
            (self._stall, plan.stall_every_s),
        ]
        self._at = [clock() + each for _, each in self._due]

    def strike(self, victims: Sequence[Victim]) -> None:
        """Do what is due to machines that are at work; one that is stopped is spared until it goes on."""
        self._wake()
        for number, (fault, every_s) in enumerate(self._due):
            awake = [each for each in victims if each.working and each.pid not in self._stopped]
            if awake and self._clock() >= self._at[number]:
                self._at[number] = self._clock() + every_s * self._lot.uniform(*JITTER)
                victim = self._lot.choice(awake)
                victim.struck()
                fault(victim.pid)

    def end(self) -> None:
        """Let everything go on that is stopped."""
        for pid in list(self._stopped):
            self._continue(pid)

    def _kill_worker(self, pid: int) -> None:
        workers = spawned_by(pid)
        if workers and _signalled(self._lot.choice(workers), signal.SIGKILL):
            self.counts.couplers += 1

    def _kill_station(self, pid: int) -> None:
        self.counts.stations += _signalled(pid, signal.SIGKILL)

    def _stall(self, pid: int) -> None:
        if _signalled(pid, signal.SIGSTOP):
            self._stopped[pid] = self._clock() + self._plan.stall_s
            self.counts.stalls += 1

    def _wake(self) -> None:
        for pid, until in list(self._stopped.items()):
            if self._clock() >= until:
                self._continue(pid)

    def _continue(self, pid: int) -> None:
        del self._stopped[pid]
        _signalled(pid, signal.SIGCONT)


def spawned_by(parent: int) -> list[int]:
    """Return the processes that multiprocessing spawned for one."""
    found = []
    for folder in PROC.iterdir():
        with contextlib.suppress(OSError):  # it ended meanwhile
            if folder.name.isdecimal() and _parent(folder) == parent and SPAWNED in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def _parent(folder: Path) -> int:
    """Return whose child a process is. proc(5): the second field after the name, which may hold anything"""
    return int((folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])


def _signalled(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
