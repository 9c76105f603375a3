"""The counters of secured packets: one for each key set, changed only by a packet whose protection was right."""

from typing import Final

from ..gp import cells
from ..gp.chip import GpChip
from .packet import Head, PacketError, Status

_NONE, _UNCHECKED, _HIGHER, _NEXT = range(4)
_SIZE: Final = 5
_HIGHEST: Final = b"\xff" * _SIZE


def take(platform: GpChip, aid: bytes, kvn: int, head: Head, counter: bytes) -> None:
    """Accept the counter of a packet, or not; written at once, whatever becomes of the commands.

    PUT KEY starts it anew.

    :raises PacketError: 02 low, 03 high, 04 blocked.
    """
    if head.counter_mode in (_NONE, _UNCHECKED):
        return
    cell = cells.tries(aid, kvn)
    before = platform.journal.get(cell)[1:].rjust(_SIZE, b"\x00")
    if before == _HIGHEST:
        raise PacketError(Status.COUNTER_BLOCKED)
    if counter <= before:
        raise PacketError(Status.COUNTER_LOW)
    if head.counter_mode == _NEXT and int.from_bytes(counter, "big") != int.from_bytes(before, "big") + 1:
        raise PacketError(Status.COUNTER_HIGH)
    platform.journal.put_now(cell, b"\x00" + counter)
