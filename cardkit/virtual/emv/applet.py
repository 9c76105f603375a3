"""What all applications of the payment package share: they are personalized by data groupings, once."""

from abc import ABC, abstractmethod
from dataclasses import replace

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import registry
from ..gp.chip import GpChip
from ..gp.registry import Entry
from . import objects
from .data import INSTALLED, PERSONALIZED, CardData

_FCI, _NAME, _PROPRIETARY = 0x6F, 0x84, 0xA5


class CpsApplet(ABC):
    """One instance of an application that is personalized as EMV CPS says."""

    groupings = True
    level = 0
    own_messaging: frozenset[int] = frozenset()

    def __init__(self, chip: GpChip, entry: Entry) -> None:
        self.chip = chip
        self.data = CardData(chip.journal, entry.aid)

    def install(self, parameters: bytes) -> None:
        """Come into being; there is nothing to choose.

        :raises StatusWordError: 6A80 for parameters.
        """
        if parameters:
            raise StatusWordError(sw.WRONG_DATA)

    def store_opaque(self, data: bytes) -> None:
        """Blocks without a structure are groupings here; `groupings` says so.

        :raises StatusWordError: 6A80.
        """
        del data
        raise StatusWordError(sw.WRONG_DATA)

    @abstractmethod
    def check(self) -> None:
        """Refuse to end personalization before all is there.

        :raises StatusWordError: 6A86 something is missing, 6A80 it does not belong together.
        """

    def close(self) -> None:
        """End personalization; the registry shows it, too.

        :raises StatusWordError: as `check`; it stays open then.
        """
        self.check()
        self.data.put("state", PERSONALIZED)
        entry = self.chip.registry.get(self.data.aid)
        self.chip.registry.put(replace(entry, state=registry.PERSONALIZED))

    @property
    def personalized(self) -> bool:
        """Has the last block come?"""
        return self.data.state != INSTALLED

    def fci(self, inside: bytes) -> bytes:
        """File control information: before personalization only the name."""
        name = objects.build(_NAME, self.data.aid)
        return objects.build(_FCI, name + (objects.build(_PROPRIETARY, inside) if self.personalized else b""))
