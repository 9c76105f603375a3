"""Who answers a command: SELECT by name decides, and what was selected before is left (ISO/IEC 7816-4 11.2.2, 12.2).

Applications share the chip, its power and its serial number, nothing else. The life cycle of the card is that of the
issuer security domain: a locked or terminated card has no other application.
"""

from random import Random
from typing import Final

from ..cipurse import files, selecting
from ..cipurse.chip import CipurseChip
from ..cipurse.instructions import OPERATIONS
from ..contactless import CLASS as READER
from ..eid.pkcs15.chip import Pkcs15Chip
from ..eid.pkcs15.layout import AID as IDENTITY_AID
from ..errors import StatusWordError
from ..gp import wire
from ..gp.chip import GpChip
from ..gp.exchange import exchange
from ..memory import Memory
from .image import IDENTITY, PAYMENT, TRANSPORT, SocialImage
from .sections import Section

_SELECT: Final = b"\x00\xa4"
_BY_NAME, _BY_FID, _NEXT = 0x04, 0x00, 0x02
_SELECTED: Final = frozenset((0x61, 0x62, 0x90))  # first byte of the status word of a SELECT that did it
_FULL: Final = 256


class SocialChip:
    """The state of one chip.

    :ivar payment: the platform, selected after a reset.
    """

    def __init__(self, image: SocialImage, memory: Memory, protocol: int, random: Random) -> None:
        self.image = image
        self.memory = memory
        payment, identity, transport = (Section(memory, prefix) for prefix in (PAYMENT, IDENTITY, TRANSPORT))
        self.payment = GpChip(image.payment, payment, protocol, random)
        self.identity = Pkcs15Chip(image.identity, identity, random)
        self.transport = CipurseChip(image.transport, transport, random, OPERATIONS)
        self.reset()

    def reset(self) -> None:
        """Forget everything volatile, take back what a power cut left unfinished; the platform is selected."""
        for chip in (self.payment, self.identity, self.transport):
            chip.reset()
        self.current = PAYMENT

    def exchange(self, command: bytes) -> bytes:
        """Work on one C-APDU; one for the reader is answered whatever is selected."""
        if command[:1] == bytes((READER,)):
            return self.transport.exchange(command)
        wanted = _selection(command)
        if wanted is None:
            return self.ask(self.current, command)
        chosen = self._named(wanted.data)
        if wanted.data == self.image.transport_aid and chosen == TRANSPORT:
            command = _master_file(wanted)
        answer = self.ask(chosen, command)
        if chosen != self.current and answer[-2] in _SELECTED:
            self._leave()
            self.current = chosen
        return answer

    def ask(self, application: str, command: bytes) -> bytes:
        """What one application answers, selected or not."""
        if application == IDENTITY:
            return self.identity.exchange(command)
        if application == TRANSPORT:
            return self.transport.exchange(command)
        return exchange(self.payment, command)

    def _leave(self) -> None:
        """The application selected so far keeps nothing but what is in memory."""
        if self.current == IDENTITY:
            self.identity.reset()
        elif self.current == TRANSPORT:
            self.transport.enter(files.MF)
        else:
            platform = self.payment
            platform.channels[0] = platform.channel(0, platform.registry.isd)
            platform.waiting = None

    def _named(self, name: bytes) -> str:
        """Whom a name, or a part of one, means: the platform's applications come before those that transport made.

        So none of these answers for a payment application, not even for a locked one. No name is the issuer's. One that
        nobody has is for the current application, which may know directories by name.
        """
        platform = self.payment
        if platform.locked or platform.terminated:
            return PAYMENT
        if name in (IDENTITY_AID, self.image.transport_aid):
            return IDENTITY if name == IDENTITY_AID else TRANSPORT
        if any(entry.aid.startswith(name) for entry in platform.registry):
            return PAYMENT
        return TRANSPORT if any(aid.startswith(name) for aid in self._directories()) else self.current

    def _directories(self) -> list[bytes]:
        """AIDs of the applications and directories of the transport application."""
        store = self.transport.store
        return [selecting.name(store.directory(fid)) for fid in store.directory(files.MF).children]


def _selection(command: bytes) -> wire.Apdu | None:
    """A plain SELECT of a name, unless it asks for the next of the current application; None for all else."""
    if command[:2] != _SELECT:
        return None
    try:
        apdu = wire.parse(command, protocol=1, extended=True)
    except StatusWordError:
        return None
    return apdu if apdu.p1 == _BY_NAME and apdu.p2 != _NEXT else None


def _master_file(wanted: wire.Apdu) -> bytes:
    """SELECT of the master file of the transport application, which has no name of its own."""
    expected = bytes((min(wanted.ne, _FULL) % _FULL,)) if wanted.ne else b""
    return _SELECT + bytes((_BY_FID, wanted.p2)) + expected
