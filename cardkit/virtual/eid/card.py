"""A card for electronic identity."""

from random import Random

from ..chipcard import ChipCard
from ..memory import Memory
from .chip import EidChip
from .image import EidImage
from .piv.chip import PivChip


class EidCard(ChipCard):
    """One virtual chip, PIV or PKCS#15 as its image says; see ChipCard."""

    image: EidImage
    chip: EidChip

    def _chip(self, memory: Memory, source: Random) -> EidChip:
        return PivChip(self.image, memory, source)
