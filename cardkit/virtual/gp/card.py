"""A GlobalPlatform card: one chip behind the seam `atr`, `power`, `transmit`."""

from random import Random

from ..chipcard import ChipCard
from ..memory import Memory
from .chip import GpChip
from .exchange import exchange
from .image import GpImage


class GpCard(ChipCard):
    """One virtual chip with its GlobalPlatform card operating system; see ChipCard."""

    image: GpImage
    chip: GpChip

    def _chip(self, memory: Memory, source: Random) -> GpChip:
        return GpChip(self.image, memory, self.protocol, source)

    def delay_s(self) -> int:
        """How long a card of this image would wait after the wrong authentications so far; it never really waits.

        :returns: seconds, of the key set with most of them.
        """
        domains = (entry for entry in self.chip.registry if entry.is_domain)
        rings = (self.chip.keys(domain.aid).ring() for domain in domains)
        return max((found.delay_s for ring in rings for found in ring.sets.values()), default=0)

    def exchange(self, command: bytes) -> bytes:
        """Whoever answers a command on this card; here the platform.

        :raises PowerCutError: by a fault.
        """
        return exchange(self.chip, command)
