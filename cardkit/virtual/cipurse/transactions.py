"""PERFORM and CANCEL TRANSACTION (sheet 2.7)."""

from .chip import CipurseChip
from .messaging import Command


def perform(chip: CipurseChip, command: Command) -> bytes:
    """PERFORM TRANSACTION: all that waits is written, or nothing of it; nothing waits is no error.

    :raises StatusWordError: 6985, 6982.
    """
    chip.require_active()
    chip.require(chip.directory, chip.image.directories["perform"], command)
    chip.store.perform()
    return b""


def cancel(chip: CipurseChip, command: Command) -> bytes:
    """CANCEL TRANSACTION: what waits is forgotten."""
    del command
    chip.store.cancel()
    return b""
