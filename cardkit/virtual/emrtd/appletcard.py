"""A GlobalPlatform card that takes a document: one chip behind the seam `atr`, `power`, `transmit`."""

from functools import cached_property

from ..gp.card import GpCard
from .passport import Passport
from .platform import DocumentPlatform


class AppletCard(GpCard):
    """One virtual chip; parameters as those of GpCard."""

    @cached_property
    def _platform(self) -> DocumentPlatform:
        return DocumentPlatform(self.chip)

    @property
    def passport(self) -> Passport:
        """What the document is for strangers."""
        return self._platform.passport

    def power(self, cold: bool) -> None:
        """Cold or warm reset: everything volatile is lost either way."""
        super().power(cold)
        self.passport.reset()

    def delay_s(self) -> int:
        """How long this card would make anyone wait now: after wrong authentications, or wrong passwords."""
        return max(super().delay_s(), self.passport.delay_s())

    def exchange(self, command: bytes) -> bytes:
        """To the document while it is locked and selected, to the platform else."""
        return self._platform.exchange(command)
