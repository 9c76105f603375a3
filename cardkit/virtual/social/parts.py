"""The applications a chip may have, each a chip of its own elsewhere: how it is named, asked, and left for another."""

from abc import ABC, abstractmethod
from random import Random
from typing import Final

from ..cipurse import files, selecting
from ..cipurse.chip import CipurseChip
from ..cipurse.image import CipurseImage
from ..cipurse.instructions import OPERATIONS
from ..eid.image import EidImage
from ..eid.pkcs15.chip import Pkcs15Chip
from ..eid.pkcs15.layout import AID as IDENTITY_AID
from ..emrtd.platform import DocumentPlatform
from ..errors import StatusWordError
from ..gp import wire
from ..gp.chip import GpChip
from ..gp.exchange import exchange
from ..gp.image import GpImage
from ..memory import Memory

_SELECT: Final = b"\x00\xa4"
_BY_NAME, _BY_FID, _NEXT = 0x04, 0x00, 0x02
_FULL: Final = 256


class Part(ABC):
    """One application.

    :ivar aid: its own name, which nobody else can take; empty for the platform, whose names are those of its registry.
    """

    aid = b""

    @abstractmethod
    def reset(self) -> None:
        """Forget everything volatile, take back what a power cut left unfinished."""

    @abstractmethod
    def leave(self) -> None:
        """Another one was selected: keep nothing but what is in memory."""

    @abstractmethod
    def exchange(self, command: bytes) -> bytes:
        """Work on one C-APDU, selected or not."""

    @abstractmethod
    def knows(self, name: bytes) -> bool:
        """Is it a name, or the beginning of one, of something this application holds?"""


class Platform(Part):
    """A GlobalPlatform chip, the platform of the whole card."""

    def __init__(self, image: GpImage, memory: Memory, random: Random) -> None:
        self.chip = GpChip(image, memory, image.protocols[0], random)

    def reset(self) -> None:
        """As a chip of its own."""
        self.chip.reset()

    def leave(self) -> None:
        """Its session ends; what it remembers until the next reset stays."""
        chip = self.chip
        chip.channels[0] = chip.channel(0, chip.registry.isd)
        chip.waiting = None

    def exchange(self, command: bytes) -> bytes:
        """To the chip."""
        return exchange(self.chip, command)

    def knows(self, name: bytes) -> bool:
        """An entry of the registry, whatever its state."""
        return any(entry.aid.startswith(name) for entry in self.chip.registry)

    @property
    def closed(self) -> bool:
        """Is the card CARD_LOCKED or TERMINATED?"""
        return self.chip.locked or self.chip.terminated


class DocumentPart(Platform):
    """The platform of a card with a travel document."""

    def __init__(self, image: GpImage, memory: Memory, random: Random) -> None:
        super().__init__(image, memory, random)
        self._document = DocumentPlatform(self.chip)

    def reset(self) -> None:
        """As a chip of its own."""
        super().reset()
        self._document.passport.reset()

    def leave(self) -> None:
        """The session of the document ends, too."""
        super().leave()
        self._document.passport.reset()

    def exchange(self, command: bytes) -> bytes:
        """To the locked document when it is selected, else to the platform."""
        return self._document.exchange(command)


class IdentityPart(Part):
    """A signature application. Its directories have names that count only while it is selected."""

    aid = IDENTITY_AID

    def __init__(self, image: EidImage, memory: Memory, random: Random) -> None:
        self.chip = Pkcs15Chip(image, memory, random)

    def reset(self) -> None:
        """As a chip of its own."""
        self.chip.reset()

    def leave(self) -> None:
        """No PIN stays verified."""
        self.chip.reset()

    def exchange(self, command: bytes) -> bytes:
        """To the chip."""
        return self.chip.exchange(command)

    def knows(self, name: bytes) -> bool:
        """None but its own."""
        del name
        return False


class TransportPart(Part):
    """A CIPURSE application; its master file, which has no name, gets the part's."""

    def __init__(self, image: CipurseImage, memory: Memory, random: Random, aid: bytes) -> None:
        self.chip = CipurseChip(image, memory, random, OPERATIONS)
        self.aid = aid

    def reset(self) -> None:
        """As a chip of its own."""
        self.chip.reset()

    def leave(self) -> None:
        """The master file is current, without a session."""
        self.chip.enter(files.MF)

    def exchange(self, command: bytes) -> bytes:
        """To the chip; SELECT by the name of the part becomes that of the master file."""
        wanted = selection(command)
        return self.chip.exchange(_master_file(wanted) if wanted is not None and wanted.data == self.aid else command)

    def knows(self, name: bytes) -> bool:
        """An application or directory below the master file."""
        store = self.chip.store
        children = (store.directory(fid) for fid in store.directory(files.MF).children)
        return any(selecting.name(child).startswith(name) for child in children)


def selection(command: bytes) -> wire.Apdu | None:
    """A plain SELECT of a name, unless it asks for the next of the current application; None for all else."""
    if command[:2] != _SELECT:
        return None
    try:
        apdu = wire.parse(command, protocol=1, extended=True)
    except StatusWordError:
        return None
    return apdu if apdu.p1 == _BY_NAME and apdu.p2 != _NEXT else None


def _master_file(wanted: wire.Apdu) -> bytes:
    expected = bytes((min(wanted.ne, _FULL) % _FULL,)) if wanted.ne else b""
    return _SELECT + bytes((_BY_FID, wanted.p2)) + expected
