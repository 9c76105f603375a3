"""The person at a station: puts a card into a reader, waits until it is done, takes it out and puts in the next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from cardkit.virtual import VirtualCard
from tests.interop.link.slots import Readers, glance

PATIENCE_S = 20.0


class WatchedChip:
    """A chip that knows whether it has been worked on.

    :param at: the command at which ``mishap`` strikes, 0 for none.
    :param mishap: what happens there; its result is the answer, TimeoutError makes the chip mute.
    :ivar struck: set when it has happened.
    """

    def __init__(self, chip: VirtualCard, at: int = 0, mishap: Callable[[], bytes] = bytes) -> None:
        self.chip = chip
        self.commands = 0
        self.struck = threading.Event()
        self.struck_at = 0.0
        self._at, self._mishap = at, mishap

    def atr(self) -> bytes:
        return self.chip.atr()

    def power(self, cold: bool) -> None:
        self.chip.power(cold)

    def transmit(self, command: bytes) -> bytes:
        self.commands += 1
        if self.commands != self._at:
            return self.chip.transmit(command)
        try:
            return self._mishap()
        finally:
            self.struck_at = time.monotonic()
            self.struck.set()

    @property
    def iccid(self) -> bytes:
        return self.chip.memory()["3F00/2FE2"]


class Operator:
    """Feeds one reader from a pile of chips, in a thread of its own, until the pile or the shift is at its end.

    :param patience_s: after a mishap, until the chip is taken out whatever the reader says.
    :ivar fed: chips that were put in, in order.
    """

    def __init__(
        self, readers: Readers, index: int, pile: Iterable[WatchedChip], *, patience_s: float = PATIENCE_S
    ) -> None:
        self.target = f"pcsc:{index}"
        self.fed: list[WatchedChip] = []
        self.failure: Exception | None = None
        self._readers, self._index, self._pile, self._patience_s = readers, index, pile, patience_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"operator at {self.target}", daemon=True)
        self._thread.start()

    def go_home(self) -> None:
        """End the shift."""
        self._over.set()
        self._thread.join(PATIENCE_S)
        assert self.failure is None, self.failure

    def _work(self) -> None:
        try:
            for chip in self._pile:
                if self._over.is_set():
                    return
                self._feed(chip)
        except Exception as error:
            self.failure = error

    def _feed(self, chip: WatchedChip) -> None:
        inserted = self._readers.insert(chip, index=self._index)
        self.fed.append(chip)
        while not self._over.is_set() and not self._done(chip, inserted.reader):
            time.sleep(0.02)
        inserted.eject()

    def _done(self, chip: WatchedChip, reader: str) -> bool:
        """Whether the reader has let go of the chip, or will never, because the chip is mute."""
        if chip.commands and not glance(reader).in_use:
            return True
        return chip.struck.is_set() and time.monotonic() > chip.struck_at + self._patience_s
