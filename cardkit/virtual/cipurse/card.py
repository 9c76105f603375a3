"""A transport card: one chip behind the seam `atr`, `power`, `transmit`."""

from random import Random

from ..chipcard import ChipCard
from ..memory import Memory
from .chip import CipurseChip
from .image import CipurseImage
from .instructions import OPERATIONS


class CipurseCard(ChipCard):
    """One virtual chip with its CIPURSE card operating system; see ChipCard."""

    image: CipurseImage
    chip: CipurseChip

    def _chip(self, memory: Memory, source: Random) -> CipurseChip:
        return CipurseChip(self.image, memory, source, OPERATIONS)

    def exchange(self, command: bytes) -> bytes:
        """Work on one C-APDU, or answer one for the reader.

        :raises PowerCutError: by a fault.
        """
        return self.chip.exchange(command)
