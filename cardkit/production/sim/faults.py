"""What goes wrong in a simulated plant, and when. Linux only: SIGSTOP, and processes found in /proc."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

PROC = Path("/proc")
# How Python names a process that multiprocessing spawned.
SPAWNED = b"--multiprocessing-fork"
JITTER = (0.5, 1.5)


class Pace(StrEnum):
    """What the time between two faults is counted in: cards that are bound make it the same on every computer."""

    SECONDS = "seconds"
    CARDS = "cards"


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How often what goes wrong, in the mean; less often where machines do not get to work in between.

    :param kill_every: seconds, or cards, between two killed couplers; infinite for none.
    :param station_every: between two killed stations.  :param stall_every: between two stations that are stopped.
    :param stall_s: seconds for which they are: longer than a lease.
    """

    kill_every: float = 1.0
    station_every: float = 30.0
    stall_every: float = 120.0
    stall_s: float = 45.0
    pace: Pace = Pace.SECONDS


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
    """What went wrong so far: couplers and stations killed, stations stopped, readers pulled out."""

    couplers: int = 0
    stations: int = 0
    stalls: int = 0
    readers: int = 0


@dataclass(slots=True)
class _Due:
    """A kind of fault, and what must have passed when it comes next."""

    fault: Callable[[int], bool]
    every: float
    at: float


class Faults:
    """Kills and stops, each when it is due.

    :param workers: whether couplers are processes. Where they are threads of a station, what kills one kills all of
        its machine: then each kill is a station's.
    """

    def __init__(self, plan: FaultPlan, *, workers: bool) -> None:
        self.counts = FaultCounts()
        self._plan = plan
        self._lot = random.Random()  # noqa: S311 - faults, not secrets
        self._stopped: dict[int, float] = {}
        kinds = (
            (self._kill_worker if workers else self._kill_station, plan.kill_every),
            (self._kill_station, plan.station_every),
            (self._stall, plan.stall_every),
        )
        self._kinds = [_Due(fault, every, every) for fault, every in kinds]

    def strike(self, victims: Sequence[Victim], passed: float) -> None:
        """Do what is due to machines that are at work; one that is stopped is spared until it goes on.

        :param passed: since the start, as the plan counts. What has been due for longest comes first, for a machine
            that was struck is spared for a while.
        """
        self._wake()
        for due in sorted(self._kinds, key=lambda each: each.at):
            awake = [each for each in victims if each.working and each.pid not in self._stopped]
            if awake and passed >= due.at:
                victim = self._lot.choice(awake)
                if due.fault(victim.pid):
                    victim.struck()
                    due.at = passed + due.every * self._lot.uniform(*JITTER)

    def end(self) -> None:
        """Let everything go on that is stopped."""
        for pid in list(self._stopped):
            self._continue(pid)

    def _kill_worker(self, pid: int) -> bool:
        workers = spawned_by(pid)
        killed = bool(workers) and _signalled(self._lot.choice(workers), signal.SIGKILL)
        self.counts.couplers += killed
        return killed

    def _kill_station(self, pid: int) -> bool:
        killed = _signalled(pid, signal.SIGKILL)
        self.counts.stations += killed
        return killed

    def _stall(self, pid: int) -> bool:
        stopped = _signalled(pid, signal.SIGSTOP)
        if stopped:
            self._stopped[pid] = time.monotonic() + self._plan.stall_s
        self.counts.stalls += stopped
        return stopped

    def _wake(self) -> None:
        for pid, until in list(self._stopped.items()):
            if time.monotonic() >= until:
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
