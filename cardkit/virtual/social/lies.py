"""Social cards that lie about who they are and who answers, behind the same seam as a good one; one lie each.

    card = social_lies()["other-uid"](finished_card)

Each is told from the chosen occasion on, whenever there is one; what the chip shows else is right.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from .. import statuswords as sw
from ..contactless import CLASS as READER
from ..errors import ImageError
from ..faultbase import Fault
from ..maker import AnyCard
from .chip import SocialChip

_SELECT: Final = b"\x00\xa4\x04"
_UID: Final = bytes((READER, 0xCA, 0))
_REFUSED: Final = frozenset((sw.NO_INSTRUCTION, sw.NO_CLASS, sw.FILE_NOT_FOUND, sw.SECURITY_STATUS, sw.CONDITIONS))


class _SocialLie(Fault):
    """A card of several applications with one lie."""

    span = 1
    lasting = True

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = None) -> None:
        super().__init__(card, seed, at=at)
        if not isinstance(card.chip, SocialChip):
            raise ImageError(f"lie {type(self).__name__}: expected a social card, got image {card.image.name}")
        self.social = card.chip


class UidLie(_SocialLie):
    """The reader shows another UID than the one that keys and data are bound to."""

    def transmit(self, command: bytes) -> bytes:
        """One bit off."""
        answer = super().transmit(command)
        if not command.startswith(_UID) or answer[-2:] != sw.OK or not self._due():
            return answer
        return answer[:1] + bytes((answer[1] ^ 1,)) + answer[2:]


class SelectionLie(_SocialLie):
    """SELECT of another application is answered as it must be, and the one before goes on answering."""

    def transmit(self, command: bytes) -> bytes:
        """Stay where it was."""
        before = self.social.current
        answer = super().transmit(command)
        if self.social.current != before and self._due():
            self.social.current = before
        return answer


class NeighbourLie(_SocialLie):
    """What the current application refuses or does not know another one does, selected or not."""

    def transmit(self, command: bytes) -> bytes:
        """Ask the others."""
        answer = super().transmit(command)
        if answer not in _REFUSED or command.startswith(_SELECT):
            return answer
        for application in reversed(self.social.parts):
            other = self.social.ask(application, command) if application != self.social.current else answer
            if other[-2:] == sw.OK and self._due():
                return other
        return answer


def social_lies() -> Mapping[str, Callable[..., Fault]]:
    """Every lie by its name; call it as factory(card, seed)."""
    return _FACTORIES


_FACTORIES: Final[Mapping[str, Callable[..., Fault]]] = MappingProxyType(
    {"other-uid": UidLie, "selection-ignored": SelectionLie, "neighbour-answers": NeighbourLie}
)
