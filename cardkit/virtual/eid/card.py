"""A card for electronic identity."""

from random import Random

from ..chipcard import ChipCard
from ..memory import Memory
from .chip import EidChip
from .image import SYSTEM_PIV, EidImage
from .piv.chip import PivChip
from .pkcs15.chip import Pkcs15Chip


class EidCard(ChipCard):
    """One virtual chip, PIV or PKCS#15 as its image says; see ChipCard."""

    image: EidImage
    chip: EidChip

    def _chip(self, memory: Memory, source: Random) -> EidChip:
        if self.image.system == SYSTEM_PIV:
            return PivChip(self.image, memory, source)
        return Pkcs15Chip(self.image, memory, source)

    def exchange(self, command: bytes) -> bytes:
        """Work on one C-APDU."""
        return self.chip.exchange(command)
