"""Non-volatile memory: named cells, shared with the image until they are written.

A cell is a file body (`3F00/2FE2`), a life cycle byte (`3F00/2FE2#lcs`), what a created file is (filesystem.py), or a
secret that lies in no file (`secret/01`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping

from .errors import PowerCutError

Intercept = Callable[[str, bytes], bytes | None]


class Memory:
    """The cells of one chip.

    :ivar cells: read it freely; write only through `write`.
    :ivar restored: names of the cells that differed from the image when this memory was made.
    :ivar intercept: seen by each write, for faults: returns what really reaches the cell, None to lose the write
        silently, or raises WriteFailedError.
    :ivar cut: power goes before the write of this number, counted from 1 on; None for never.
    :ivar dirty: set by a write, cleared by whoever saved the chip.
    """

    __slots__ = ("base", "cells", "cut", "dirty", "intercept", "restored", "watchers")

    def __init__(self, base: Mapping[str, bytes], changed: Mapping[str, bytes] | None = None) -> None:
        self.base = base
        self.cells: MutableMapping[str, bytes] = dict(base)
        self.cells.update(changed or {})
        self.restored = tuple(changed or ())
        self.dirty = False
        self.cut: int | None = None
        self.intercept: Intercept | None = None
        self.watchers: Mapping[str, Callable[[], None]] = {}

    def write(self, cell: str, value: bytes) -> None:
        """Put `value` into `cell`.

        :raises PowerCutError: instead of the write that `cut` counts down to.
        :raises WriteFailedError: when an intercepting fault says so; the cell is unchanged then.
        """
        if self.cut is not None:
            self.cut -= 1
            if self.cut <= 0:
                self.cut = None
                raise PowerCutError(f"power lost before {cell} was written")
        stored = self.intercept(cell, value) if self.intercept is not None else value
        if stored is None:
            return
        self.cells[cell] = stored
        self.dirty = True
        watcher = self.watchers.get(cell)
        if watcher is not None:
            watcher()

    def restored_rules(self, rule_cells: Iterable[str]) -> bool:
        """Was this memory made with anything that bears on access rules: these cells, life cycles, created files?"""
        return any("#" in name or name in rule_cells for name in self.restored)

    def changed(self) -> Iterator[tuple[str, bytes]]:
        """The cells that differ from the image, for the chip's file."""
        base = self.base
        return ((cell, value) for cell, value in self.cells.items() if base.get(cell) != value)
