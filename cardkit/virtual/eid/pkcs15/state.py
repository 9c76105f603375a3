"""All of one chip that its commands work on, and what it remembers of a terminal."""

from dataclasses import dataclass, field
from random import Random
from typing import Final

from ... import statuswords as sw
from ...errors import StatusWordError
from ...gp.journal import Journal
from ..image import EidImage
from ..reference import Reference
from . import layout
from .files import CREATION, OPERATIONAL, File, FileSystem

_ALWAYS, _PIN, _NEVER = 0x00, 0x90, 0xFF
CONDITIONS: Final = frozenset((_ALWAYS, _PIN, _NEVER))


@dataclass(slots=True)
class Session:
    """Volatile: what is selected, whether the PIN is verified, which key and algorithm each security environment has.

    :ivar environments: algorithm and key reference by the P2 of MANAGE SECURITY ENVIRONMENT.
    """

    directory: str = layout.MF
    file: str = ""
    pin: bool = False
    environments: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """What is persistent behind the journal, what is not in the session."""

    image: EidImage
    journal: Journal
    random: Random
    session: Session

    @property
    def files(self) -> FileSystem:
        """The file system."""
        return FileSystem(self.journal)

    def reference(self, number: int) -> Reference:
        """The PIN or the PUK.

        :raises StatusWordError: 6A88 for another reference.
        """
        if number not in layout.PIN_CELLS:
            raise StatusWordError(sw.DATA_NOT_FOUND)
        return Reference(self.journal, layout.PIN_CELLS[number])

    @property
    def operational(self) -> bool:
        """Has the PIN been set? Until then everything is open."""
        return self.reference(layout.PIN).exists

    @property
    def life_cycle(self) -> int:
        """The life cycle byte of all files."""
        return OPERATIONAL if self.operational else CREATION

    def require_pin(self) -> None:
        """Refuse without the PIN, once there is one.

        :raises StatusWordError: 6982.
        """
        if self.operational and not self.session.pin:
            raise StatusWordError(sw.SECURITY_STATUS)

    def require(self, file: File, bit: int) -> None:
        """Refuse what an access byte of a file does not grant, once the PIN is set.

        :param bit: of the access mode byte.
        :raises StatusWordError: 6982.
        """
        condition = file.condition(bit)
        if condition == _ALWAYS or not self.operational:
            return
        if condition == _NEVER:
            raise StatusWordError(sw.SECURITY_STATUS)
        self.require_pin()
