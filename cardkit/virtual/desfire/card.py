"""A DESFire or NTAG 424 card behind the seam `atr`, `power`, `transmit`."""

from random import Random

from ..chipcard import ChipCard
from ..memory import Memory
from .chip import DesfireChip
from .image import DesfireImage


class DesfireCard(ChipCard):
    """One virtual chip; see ChipCard. Its UID is the image's first byte, then its serial number."""

    image: DesfireImage
    chip: DesfireChip

    def _chip(self, memory: Memory, source: Random) -> DesfireChip:
        return DesfireChip(self.image, memory, source, self.image.maker + self.serial)

    def atr(self) -> bytes:
        """The ATR a reader makes of the ATS the chip has shown at its activation."""
        return self.image.atr_of(self.chip.state.ats)

    def exchange(self, command: bytes) -> bytes:
        """Work on one command, in whichever form it comes."""
        return self.chip.exchange(command)
