"""The memory as commands see it: changes at once, and changes that wait for PERFORM TRANSACTION."""

from collections.abc import Callable

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.journal import Journal
from . import files
from .files import Directory, File


class Store:
    """Cells of one chip behind its journal.

    What waits lies in `held` and is lost with power, session or CANCEL TRANSACTION.

    :param buffer: bytes of command data that may wait.
    """

    def __init__(self, journal: Journal, buffer: int) -> None:
        self.journal = journal
        self._buffer = buffer
        self._held: dict[str, bytes] = {}
        self._waiting = 0

    def get(self, cell: str) -> bytes:
        """What a cell holds, with what waits."""
        return self._held[cell] if cell in self._held else self.journal.get(cell)

    def change(self, cell: str, change: Callable[[bytes], bytes], *, held: int = 0) -> None:
        """Change a cell, when the command succeeds or when the transaction is performed.

        :param held: bytes of data that wait; 0: the change is made with this command.
        :raises StatusWordError: 6581 when the buffer has no room for them.
        """
        if held:
            if self._waiting + held > self._buffer:
                raise StatusWordError(sw.MEMORY_PROBLEM)
            self._waiting += held
            self._held[cell] = change(self.get(cell))
            return
        self.journal.put(cell, change(self.journal.get(cell)))
        if cell in self._held:
            self._held[cell] = change(self._held[cell])

    def put(self, cell: str, value: bytes) -> None:
        """Write a cell with this command; nothing waits for it any more. An empty value removes it."""
        self._held.pop(cell, None)
        self.journal.put(cell, value)

    def perform(self) -> None:
        """Write what waits with this command."""
        for cell, value in self._held.items():
            self.journal.put(cell, value)
        self.cancel()

    def cancel(self) -> None:
        """Forget what waits."""
        self._held.clear()
        self._waiting = 0

    def directory(self, fid: int) -> Directory:
        """The MF, or one of the directories below it."""
        return files.directory(self.get(files.directory_cell(fid)))

    def body(self, directory: int, file: File) -> bytes:
        """Contents of a file and what the chip keeps behind them; zeros where a write was lost."""
        return self.get(files.data_cell(directory, file.fid)).ljust(file.room, b"\0")
