"""Wrong authentications counted, on cards that do (NTAG 424; sheet 3.13, option 0A).

Cell: 1 byte switched on, 2 bytes limit, 2 bytes decrement, 4 bytes counter so far, 1 byte refusals left to be given.
Past the limit so many attempts in a row are refused before one is heard again; real cards count time instead.
"""

from typing import Final

from . import cells, statuses
from .state import State
from .statuses import RefusedError

_REFUSALS: Final = 5
BORN: Final = b"\x01\x00\x32\x00\x0a" + bytes(5)  # limit 50, decrement 10


def delay(state: State) -> None:
    """Refuse an attempt that comes too early.

    :raises RefusedError: AD.
    """
    cell = state.journal.get(cells.FAILURES)
    if cell and cell[9]:
        state.journal.put_now(cells.FAILURES, cell[:9] + bytes((cell[9] - 1,)))
        raise RefusedError(statuses.DELAY)


def count(state: State, *, right: bool) -> None:
    """Count an attempt, before its answer."""
    cell = state.journal.get(cells.FAILURES)
    if not cell or not cell[0]:
        return
    limit, step, so_far = (int.from_bytes(cell[at:end], "big") for at, end in ((1, 3), (3, 5), (5, 9)))
    now = max(so_far - step, 0) if right else so_far + 1
    refusals = _REFUSALS if not right and now >= limit else 0
    changed = cell[:5] + now.to_bytes(4, "big") + bytes((refusals,))
    if changed != cell:
        state.journal.put_now(cells.FAILURES, changed)


def configure(state: State, data: bytes) -> None:
    """SetConfiguration 0A.

    :param data: switched on 1, limit 2, decrement 2, both little endian.
    :raises RefusedError: 7E, 9E for a limit of zero.
    """
    if len(data) != 5:
        raise RefusedError(statuses.LENGTH)
    if not any(data[1:3]):
        raise RefusedError(statuses.PARAMETER)
    state.journal.put(cells.FAILURES, bytes((data[0] & 1,)) + data[2:0:-1] + data[4:2:-1] + bytes(5))
