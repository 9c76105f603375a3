"""Virtual cards with the faults that a test's marks ask for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cardkit.virtual import AnyCard, make_card
from cardkit.virtual.faults import Fault, catalogue


class StatusWord(Fault):
    """The n-th APDU is not run; the card answers a status word of the test's choice.

    :param sw: 0x6100 to 0x6FFF or 0x9000 to 0x9FFF.
    """

    def __init__(self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None, sw: int = 0x6F00) -> None:
        super().__init__(card, seed, at=at)
        self._sw = sw
        self._commands = 0

    def transmit(self, command: bytes) -> bytes:
        """Run one command, unless it is the one."""
        self._commands += 1
        if self._commands != (self.at or 1):
            return self.card.transmit(command)
        self.fired += 1
        return self._sw.to_bytes(2, "big")


class Slow(Fault):
    """Each answer comes late.

    :param ms: milliseconds of delay.
    """

    def __init__(self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None, ms: int = 50) -> None:
        super().__init__(card, seed, at=at)
        self._seconds = ms / 1000

    def transmit(self, command: bytes) -> bytes:
        """Run one command, after a while."""
        self.fired += 1
        time.sleep(self._seconds)
        return self.card.transmit(command)


def faults() -> Mapping[str, type[Fault]]:
    """Every fault that the mark ``card_fault`` knows, by name: the catalogue of virtual cards, ``status``, ``slow``."""
    return {**catalogue(), "status": StatusWord, "slow": Slow}


class CardMaker:
    """Makes the cards of one test.

    :param wanted: name and options of each fault, applied to every card made.
    """

    def __init__(self, wanted: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        known = faults()
        self._wanted = [(known[name], dict(options)) for name, options in wanted]
        self._faults: list[Fault] = []
        self._made = 0

    def __call__(
        self,
        image: str = "usim",
        *,
        serial: bytes | None = None,
        seed: int | None = None,
        protocol: int | None = None,
        store: Path | None = None,
    ) -> AnyCard | Fault:
        """Make a blank card, or open the one that `store` holds.

        :param image: name of an image or path of its TOML file.  :param serial: its chip id; default from the seed.
        :param seed: makes serial and challenges repeatable; default the number of the card in this test.
        :param protocol: 0 or 1 for T=0 or T=1; default the image's first.
        """
        self._made += 1
        number = self._made if seed is None else seed
        card: AnyCard | Fault = make_card(image, serial=serial, seed=number, protocol=protocol, store=store)
        for fault, options in self._wanted:
            card = fault(card, **options)
            self._faults.append(card)
        return card

    def unseen(self) -> list[str]:
        """Names of the faults that no card of this test has shown."""
        kinds = {type(fault) for fault in self._faults}
        fired = {type(fault) for fault in self._faults if fault.fired}
        return sorted(name for name, kind in faults().items() if kind in kinds - fired)
