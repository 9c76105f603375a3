"""What all faults share: the seam of the card they wrap, when they are due, how often they fired."""

from collections.abc import Mapping
from random import Random
from typing import ClassVar

from .chip import Chip
from .cipurse.chip import CipurseChip
from .desfire.chip import DesfireChip
from .eid.chip import EidChip
from .emrtd.chip import DocumentChip
from .errors import ImageError
from .gp.chip import GpChip
from .maker import AnyCard, AnyImage
from .social.chip import SocialChip


class Fault:
    """A card with one fault.

    :param card: the good card underneath.
    :param seed: chooses the opportunity at which the fault shows, and its details.
    :param at: that opportunity by number, from 1 on; what counts as one is said by each fault.
    :ivar fired: how often the fault has shown.
    """

    span: ClassVar[int] = 8  # a seed chooses among so many opportunities
    lasting: ClassVar[bool] = False  # shows from that opportunity on, not only once

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = None) -> None:
        self.card = card
        self.random = Random(seed)  # noqa: S311 - repeatable faults
        self.at = self.random.randint(1, self.span) if at is None else at
        self.fired = 0
        self._seen = 0

    def _due(self) -> bool:
        """Count an opportunity; is it the one?"""
        self._seen += 1
        hit = self._seen >= self.at if self.lasting else self._seen == self.at
        self.fired += hit
        return hit

    def atr(self) -> bytes:
        """The answer to reset of the card underneath."""
        return self.card.atr()

    def power(self, cold: bool) -> None:
        """Reset the card underneath."""
        self.card.power(cold)

    def transmit(self, command: bytes) -> bytes:
        """One C-APDU to its R-APDU."""
        return self.card.transmit(command)

    def memory(self) -> Mapping[str, bytes]:
        """What the chip underneath really holds."""
        return self.card.memory()

    @property
    def chip(self) -> Chip | GpChip | DocumentChip | EidChip | CipurseChip | DesfireChip | SocialChip:
        """State of the chip underneath."""
        return self.card.chip

    @property
    def files(self) -> Chip:
        """State of the chip underneath, for faults of its files and secrets.

        :raises ImageError: when it is a card without files.
        """
        chip = self.chip
        if not isinstance(chip, Chip):
            raise ImageError(f"fault {type(self).__name__}: expected a card with files, got image {self.image.name}")
        return chip

    @property
    def image(self) -> AnyImage:
        """Image of the chip underneath."""
        return self.card.image

    @property
    def serial(self) -> bytes:
        """Serial number of the chip underneath."""
        return self.card.serial

    @property
    def protocol(self) -> int:
        """0 or 1, as the card underneath was made."""
        return self.card.protocol
