"""Who answers a command: SELECT by name decides, and what was selected before is left (ISO/IEC 7816-4 11.2.2, 12.2).

Applications share the chip, its power and its serial number, nothing else. The life cycle of the card is that of the
issuer security domain: a locked or terminated card has no other application.
"""

from random import Random
from typing import Final

from ..contactless import CLASS as READER
from ..memory import Memory
from .image import DOCUMENT, IDENTITY, TRANSPORT, SocialImage
from .parts import DocumentPart, IdentityPart, Part, Platform, TransportPart, selection
from .sections import Section

_SELECTED: Final = frozenset((0x61, 0x62, 0x90))  # first byte of the status word of a SELECT that did it


class SocialChip:
    """The state of one chip.

    :ivar platform: selected after a reset.
    :ivar parts: all of them, the platform first, by the prefixes of their cells.
    :ivar current: the one selected.
    """

    def __init__(self, image: SocialImage, memory: Memory, random: Random) -> None:
        self.image = image
        self.memory = memory
        kind = DocumentPart if image.role == DOCUMENT else Platform
        self.platform = kind(image.platform, Section(memory, image.role), random)
        self.parts: dict[str, Part] = {
            image.role: self.platform,
            IDENTITY: IdentityPart(image.identity, Section(memory, IDENTITY), random),
        }
        if image.transport is not None:
            section = Section(memory, TRANSPORT)
            self.parts[TRANSPORT] = TransportPart(image.transport, section, random, image.transport_aid)
        self.reset()

    def reset(self) -> None:
        """Forget everything volatile, take back what a power cut left unfinished; the platform is selected."""
        for part in self.parts.values():
            part.reset()
        self.current = self.image.role

    def exchange(self, command: bytes) -> bytes:
        """Work on one C-APDU; one for a reader of transport cards is answered whatever is selected."""
        if command[:1] == bytes((READER,)) and TRANSPORT in self.parts:
            return self.parts[TRANSPORT].exchange(command)
        wanted = selection(command)
        if wanted is None:
            return self.ask(self.current, command)
        chosen = self._named(wanted.data)
        answer = self.ask(chosen, command)
        if chosen != self.current and answer[-2] in _SELECTED:
            self.parts[self.current].leave()
            self.current = chosen
        return answer

    def ask(self, application: str, command: bytes) -> bytes:
        """What one application answers, selected or not."""
        return self.parts[application].exchange(command)

    def _named(self, name: bytes) -> str:
        """Whom a name, or a part of one, means: the platform's applications come before those that transport made.

        So none of these answers for a payment application, not even for a locked one. No name is the issuer's. One that
        nobody has is for the current application, which may know directories by name.
        """
        if self.platform.closed:
            return self.image.role
        for role, part in self.parts.items():
            if part.aid and part.aid == name:
                return role
        return next((role for role, part in self.parts.items() if part.knows(name)), self.current)
