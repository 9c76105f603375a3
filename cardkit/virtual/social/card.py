"""A card of several applications behind the seam `atr`, `power`, `transmit`."""

from random import Random

from ..chipcard import ChipCard
from ..memory import Memory
from .chip import SocialChip
from .image import SocialImage


class SocialCard(ChipCard):
    """One virtual chip with several applications; see ChipCard."""

    image: SocialImage
    chip: SocialChip

    def _chip(self, memory: Memory, source: Random) -> SocialChip:
        return SocialChip(self.image, memory, source)

    def exchange(self, command: bytes) -> bytes:
        """Work on one C-APDU, whoever answers it.

        :raises PowerCutError: by a fault.
        """
        return self.chip.exchange(command)
