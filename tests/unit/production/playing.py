"""A bench for processes: what its cards do stands in the target's name. Imported by spawned workers."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cardkit.crypto.keysource import KeySource
from cardkit.desired import BindEvent, IntentEvent, OnEvent
from cardkit.production.couplers.bench import BenchSpec
from cardkit.production.couplers.deadline import Watch
from cardkit.production.couplers.messages import Ended, Seen, Work


class ProcessBench:
    """Plays the cards ``good,hang,crash...`` one after another."""

    def __init__(self, spec: BenchSpec, watch: Watch | None) -> None:
        self._cards = spec.target.name.split(",")[spec.first :]
        self._number = spec.first
        self._line = spec.target.name
        self._watch = watch
        self._card = ""
        self._keys = _seen(spec.keys)

    def place(self, cancelled: Callable[[], bool]) -> bool:
        if not self._cards:
            return False
        self._card = self._cards.pop(0)
        self._number += 1
        while self._card == "wait" and not cancelled():
            time.sleep(0.01)
        return self._card != "wait"

    def repower(self) -> None:
        """Nothing to power."""

    def remove(self) -> None:
        """Nothing to remove."""

    def close(self) -> None:
        self.remove()

    def look(self) -> Seen:
        return Seen(f"{self._line} {self._number}", "blank", None)

    def _mute(self) -> None:
        assert self._watch is not None
        self._watch.start(bytes.fromhex("00D60000"))
        time.sleep(60)

    def make(self, work: Work, on_event: OnEvent, *, resume: bool) -> Ended:
        chip = f"{self._line} {self._number}"
        if self._card == "mute":
            self._mute()
        on_event(BindEvent(chip))
        on_event(IntentEvent("ADM1", "test:adm1", 3))
        if self._card == "hang":
            self._mute()
        if self._card == "crash":
            os._exit(7)
        if self._card == "show":
            print(bytes(work.record), file=sys.stderr)
        facts = b'{"record":"%s"}' % work.record.hex().encode()
        if self._card == "keys":
            facts = self._keys
        return Ended(good=True, bound=True, chip=chip, evidence_sha256=b"e" * 32, facts=facts)

    def prove(self, work: Work) -> Ended:
        raise AssertionError("never asked")


def _seen(keys: KeySource | None) -> bytes:
    """Return what of a key source came into this process, and whether anybody could read what opens it."""
    if keys is None:
        return b"{}"
    with keys.unlock[0].reveal() as clear:
        seen = {"url": keys.url, "sha256": hashlib.sha256(clear).hexdigest(), "told": _told(bytes(clear))}
    return json.dumps(seen).encode()


def _told(secret: bytes) -> bool:
    """Whether this process was started with a secret in its arguments or environment, where a platform shows them."""
    places = [Path("/proc/self/cmdline"), Path("/proc/self/environ")]
    everything = b"".join(place.read_bytes() for place in places if place.exists())
    everything += "".join([*sys.argv, *sys.orig_argv, *os.environ.values()]).encode()
    return secret in everything or secret.hex().encode() in everything
