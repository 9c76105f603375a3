"""Processes that are killed at a random moment: forked from one that has everything loaded, where the platform forks.

A life costs what it does then, and not the second that Python takes to load the product.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

FORKS = "forkserver" in multiprocessing.get_all_start_methods()
PRELOADED = [
    "cardkit.apps.uicc.app",
    "cardkit.cli.app",
    "cardkit.cli.batch",
    "cardkit.production.batch",
    "cardkit.production.resume",
    "cardkit.virtual",
    "tests.hostile.chaos.afterwards",
    "tests.hostile.chaos.crash",
]
POLL_S = 0.004
JITTER_S = 0.03
LIFE_LIMIT_S = 400.0
# Some lives end at the start already: before the store is open, while journals are replayed.
EARLY_SHARE = 0.1
EARLY_S = 0.6 if FORKS else 2.5
FOREVER = float("inf")

# Starting a process looks at all others, too: two threads that did so would take exit codes from each other.
_children = threading.Lock()


def start(target: Callable[..., object], *args: Any) -> BaseProcess:
    """Start a process that calls something importable."""
    context = multiprocessing.get_context("forkserver" if FORKS else "spawn")
    if FORKS:
        context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=target, args=args)
    with _children:
        process.start()
    return process


def exit_code(process: BaseProcess) -> int | None:
    """The exit code of a process, negative the signal; None while it runs."""
    with _children:
        return process.exitcode


def live(
    command: Callable[[list[str]], int | None],
    words: Sequence[str],
    folder: Path,
    cards_made: Callable[[], float],
    rng: random.Random,
    cards: float,
) -> int | None:
    """Call a command in a process and SIGKILL it at a random moment; its exit code if it ended before that.

    :param folder: where it runs and leaves what it says, in `talk.txt`.
    :param cards: how many it makes in the mean before it dies; FOREVER for a life that is not cut short.
    """
    process = start(_speak, command, list(words), folder)
    try:
        return _outlive(process, cards_made, rng, cards)
    finally:
        with _children:
            process.kill()
            process.join()


def _speak(command: Callable[[list[str]], int | None], words: list[str], folder: Path) -> None:
    """Run a command as a program of its own would: in its folder, what it says kept in a file."""
    os.chdir(folder)
    with Path("talk.txt").open("wb") as talk:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(talk.fileno(), stream.fileno())
    sys.exit(command(words))


def _outlive(process: BaseProcess, cards_made: Callable[[], float], rng: random.Random, cards: float) -> int | None:
    early = cards != FOREVER and rng.random() < EARLY_SHARE
    end = time.monotonic() + (rng.uniform(0, EARLY_S) if early else LIFE_LIMIT_S)
    last_card = cards_made() + rng.uniform(0, 2) * cards
    while time.monotonic() < end:
        code = exit_code(process)
        if code is not None:
            return code
        if cards_made() > last_card:
            time.sleep(rng.uniform(0, JITTER_S))
            return None
        time.sleep(POLL_S)
    return None
