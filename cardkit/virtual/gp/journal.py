"""Writes of one command: all of them or none, whatever happens in between.

Cells change only when a command has succeeded. More than one change goes through an undo log: the cell `journal` holds
the old values until the last new one is written, so that a card that loses power half way is at its next power-up what
it was before the command.
"""

from collections.abc import Callable
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError, WriteFailedError
from ..memory import Memory

_LOG: Final = "journal"


class Journal:
    """The memory of the chip as commands see it: an empty value means that a cell is not there."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._todo: dict[str, bytes] = {}
        self._names: dict[str, tuple[str, ...]] = {}  # by prefix, until a cell comes or goes

    def get(self, cell: str) -> bytes:
        """What the cell holds, with the changes of this command."""
        found = self._todo.get(cell)
        return self.memory.cells.get(cell, b"") if found is None else found

    def names(self, prefix: str) -> tuple[str, ...]:
        """Names of the cells below a prefix that hold anything, in order."""
        found = self._names.get(prefix)
        if found is None:
            known = self.memory.cells.keys() | self._todo.keys()
            found = tuple(sorted(name for name in known if name.startswith(prefix) and self.get(name)))
            self._names[prefix] = found
        return found

    def put(self, cell: str, value: bytes) -> None:
        """Change a cell when the command succeeds."""
        if bool(self.get(cell)) != bool(value):
            self._names.clear()
        self._todo[cell] = value

    def put_now(self, cell: str, value: bytes) -> None:
        """Change a cell at once, whatever becomes of the command: tries and counters.

        :raises WriteFailedError: by a fault of the memory; the cell is unchanged then.
        """
        old = self.memory.cells.get(cell, b"")
        if cell in self._todo or bool(old) != bool(value):
            self._todo.pop(cell, None)
            self._names.clear()
        if old != value:
            self.memory.write(cell, value)

    def settle(self, work: Callable[[], tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
        """Do a command: its writes are committed, or nothing of it stays.

        :returns: data and status word, of the work or of its refusal; 6581 when the memory failed.
        """
        try:
            answer = work()
            self.commit()
        except StatusWordError as refusal:
            self.forget()
            return b"", refusal.sw
        except WriteFailedError:
            self.forget()
            return b"", sw.MEMORY_PROBLEM
        return answer

    def forget(self) -> None:
        """The command failed: nothing of it stays."""
        cells = self.memory.cells
        if self._names and any(bool(cells.get(cell)) != bool(value) for cell, value in self._todo.items()):
            self._names.clear()
        self._todo = {}

    def commit(self) -> None:
        """The command succeeded.

        :raises WriteFailedError: a write failed; everything is as before the command.
        """
        if not self._todo:
            return
        cells = self.memory.cells
        todo = {cell: value for cell, value in self._todo.items() if cells.get(cell, b"") != value}
        self.forget()
        if len(todo) > 1:
            self.memory.write(_LOG, _log({cell: cells.get(cell, b"") for cell in todo}))
        try:
            for cell, value in todo.items():
                self.memory.write(cell, value)
            if len(todo) > 1:
                self.memory.write(_LOG, b"")
        except WriteFailedError:
            self.recover()
            raise

    def recover(self) -> None:
        """Take back what an unfinished command has written."""
        self._names.clear()
        log = self.memory.cells.get(_LOG)
        if not log:
            return
        self.memory.cells.update(_old_values(log))
        self.memory.cells[_LOG] = b""
        self.memory.dirty = True


def _log(old: dict[str, bytes]) -> bytes:
    return b"".join(
        len(part).to_bytes(4, "big") + part for cell, value in old.items() for part in (cell.encode("ascii"), value)
    )


def _old_values(log: bytes) -> dict[str, bytes]:
    parts, at = [], 0
    while at < len(log):
        end = at + 4 + int.from_bytes(log[at : at + 4], "big")
        parts.append(log[at + 4 : end])
        at = end
    return {cell.decode("ascii"): value for cell, value in zip(parts[::2], parts[1::2], strict=True)}
