"""How much memory is used and free (ETSI TS 102 226 8.2.1.7.2: FF21; GPCS 9.7)."""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, cells
from .chip import GpChip
from .registry import Kind

INSTANCE: Final = 64  # bytes an application takes before it stores anything


def free(chip: GpChip) -> int:
    """Bytes of non-volatile memory left for load files and applications."""
    stored = sum(len(chip.journal.get(cell)) for cell in chip.journal.names(f"{cells.APPLICATION}/"))
    return chip.image.limits.nvm - stored - sum(entry.size for entry in chip.registry)


def require(chip: GpChip, size: int) -> None:
    """Refuse what does not fit.

    :raises StatusWordError: 6A84.
    """
    if size > free(chip):
        raise StatusWordError(sw.NO_MEMORY)


def report(chip: GpChip) -> bytes:
    """What stands inside FF21: installed applications, free NVM, free RAM."""
    count = sum(entry.kind in (Kind.APPLICATION, Kind.SD) for entry in chip.registry)
    sizes = ((0x81, count, 2), (0x82, max(free(chip), 0), 4), (0x83, chip.image.limits.ram, 4))
    return b"".join(ber.build(tag, value.to_bytes(size, "big")) for tag, value, size in sizes)
