"""All of one chip that its commands work on."""

from dataclasses import dataclass
from random import Random

from ... import statuswords as sw
from ...errors import StatusWordError
from ...gp.journal import Journal
from ..image import EidImage
from ..reference import Reference
from . import layout
from .session import Session


@dataclass(slots=True)
class State:
    """What is persistent behind the journal, what is not in the session.

    :ivar image: how the chip was born.
    """

    image: EidImage
    journal: Journal
    random: Random
    session: Session

    @property
    def pin(self) -> Reference:
        """The PIN of the holder."""
        return Reference(self.journal, layout.PIN_CELL)

    @property
    def puk(self) -> Reference:
        """The key that unblocks the PIN."""
        return Reference(self.journal, layout.PUK_CELL)

    def require_management(self) -> None:
        """Refuse whoever has not shown the management key.

        :raises StatusWordError: 6982.
        """
        if not self.session.managed:
            raise StatusWordError(sw.SECURITY_STATUS)

    def require_pin(self) -> None:
        """Refuse while the PIN is not verified.

        :raises StatusWordError: 6982.
        """
        if not self.session.pin:
            raise StatusWordError(sw.SECURITY_STATUS)

    def is_born(self, cell: str) -> bool:
        """Does the value of a PIN, PUK or key still stand that the maker gave it? Tries left do not matter."""
        return self.journal.get(cell)[2:] == self.image.cells[cell][2:]
