"""PINs and PUKs: reference data with a try counter that goes down before anything is compared (ISO 7816-4 11.5)."""

import hmac

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.journal import Journal


def cell(value: bytes, tries: int) -> bytes:
    """What a cell holds: tries left, tries in all, then the value."""
    return bytes((tries, tries)) + value


class Reference:
    """The reference data in one cell.

    :param name: the cell.
    """

    def __init__(self, journal: Journal, name: str) -> None:
        self._journal = journal
        self._name = name

    @property
    def exists(self) -> bool:
        """Has a value been set?"""
        return bool(self._journal.get(self._name))

    @property
    def left(self) -> int:
        """Tries left, 0 when blocked."""
        return self._journal.get(self._name)[0]

    @property
    def total(self) -> int:
        """Tries after a right value."""
        return self._journal.get(self._name)[1]

    @property
    def value(self) -> bytes:
        """The reference data."""
        return self._journal.get(self._name)[2:]

    def check(self, presented: bytes) -> None:
        """Compare; the right value fills the counter.

        :raises StatusWordError: 63CX wrong, 6983 blocked.
        """
        left, total, value = self.left, self.total, self.value
        if not left:
            raise StatusWordError(sw.BLOCKED)
        self._journal.put_now(self._name, bytes((left - 1, total)) + value)
        if not hmac.compare_digest(presented, value):
            raise StatusWordError(sw.tries_left(left - 1))
        self._journal.put_now(self._name, cell(value, total))

    def report(self) -> None:
        """Refuse with the state of the counter: the answer to an empty VERIFY.

        :raises StatusWordError: 63CX, 6983.
        """
        raise StatusWordError(sw.tries_left(self.left) if self.left else sw.BLOCKED)

    def set(self, value: bytes, tries: int) -> None:
        """Put a new value, and as many tries."""
        self._journal.put(self._name, cell(value, tries))
