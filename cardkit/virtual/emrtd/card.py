"""A native document chip behind the seam `atr`, `power`, `transmit`."""

from random import Random

from ..chipcard import ChipCard
from ..memory import Memory
from .applet2006 import Chip2006
from .chip import DocumentChip
from .image import SYSTEM_2006, EmrtdImage
from .native import NativeChip


class EmrtdCard(ChipCard):
    """One virtual document chip, of today or of 2006 as its image says; see ChipCard."""

    image: EmrtdImage
    chip: DocumentChip

    def _chip(self, memory: Memory, source: Random) -> DocumentChip:
        kind = Chip2006 if self.image.system == SYSTEM_2006 else NativeChip
        return kind(self.image, memory, source)

    def delay_s(self) -> int:
        """How long this chip would make a reader wait after the wrong passwords so far; it never really waits."""
        return self.chip.passport.delay_s()

    def exchange(self, command: bytes) -> bytes:
        """Work on one C-APDU."""
        return self.chip.exchange(command)
