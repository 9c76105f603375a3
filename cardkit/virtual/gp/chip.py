"""The state of one GlobalPlatform chip that commands work on.

Volatile: logical channels with what is selected on them, their sessions and unfinished commands, the answer waiting for
GET RESPONSE. Everything else is in `memory`, read and written through `journal`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..memory import Memory
from . import cells
from .image import KDD, GpImage
from .journal import Journal
from .keycells import KeyCells, opens
from .keysets import SCP11, CardKeyEntry, KeyRing
from .privileges import Privilege
from .registry import CARD_LOCKED, TERMINATED, Entry, Kind, Registry
from .session import SecureChannel
from .wire import Waiting

if TYPE_CHECKING:
    from .load import Load

Answer = tuple[bytes, bytes]  # data, status word

_CONTACT: Final = 0x40  # implicit selection parameter: b7 contact interface, b5-b1 logical channel (11.1.7)


@dataclass(frozen=True, slots=True)
class PlainCommand:
    """A command as an application sees it: whole, decrypted.

    :ivar ne: bytes expected, 0 when Le is absent.  :ivar proprietary: CLA b8.
    :ivar secured: its secure messaging is the application's own, and still to be checked.
    """

    ins: int
    p1: int
    p2: int
    data: bytes
    ne: int
    proprietary: bool
    secured: bool = False

    @property
    def tag(self) -> int:
        """P1 P2 as a tag of one or two bytes."""
        return self.p1 << 8 | self.p2


@dataclass(slots=True)
class Chain:
    """The segments of a command so far.

    :ivar header: what all segments have in common.
    """

    header: bytes
    data: bytes = b""


@dataclass(slots=True)
class KeyLoad:
    """Keys that come by STORE DATA.

    :ivar descriptions: of keys that are still to come.  :ivar components: of the next one, by type.
    :ivar keys: those that are complete.
    """

    descriptions: list[dict[int, bytes]] = field(default_factory=list)
    components: dict[int, bytes] = field(default_factory=dict)
    keys: list[CardKeyEntry] = field(default_factory=list)


@dataclass(slots=True)
class Channel:
    """One logical channel.

    :ivar selected: AID of the application selected here.
    :ivar secure: the secure channel of the security domain behind it.
    :ivar chain: segments of a command that is not whole yet.
    :ivar pages: what GET STATUS has still to show: which question, its data, and the rest of the answer.
    :ivar target: application that STORE DATA is for, from INSTALL [for personalization].
    :ivar block: number the next block of STORE DATA must have.  :ivar stored: a value that goes on in that block.
    :ivar key_load: keys that come in these blocks.  :ivar load: a load file that comes in LOAD commands.
    :ivar transient: what the selected application remembers until it is deselected.
    """

    number: int
    selected: bytes
    secure: SecureChannel
    chain: Chain | None = None
    pages: tuple[int, bytes, list[bytes]] | None = None
    target: bytes | None = None
    block: int = 0
    stored: bytes = b""
    key_load: KeyLoad = field(default_factory=KeyLoad)
    load: "Load | None" = None
    transient: object = None

    def forget_store(self) -> None:
        """STORE DATA starts anew at block 00."""
        self.block, self.stored, self.key_load = 0, b"", KeyLoad()

    def forget(self) -> None:
        """End of the application session: nothing unfinished stays."""
        self.secure.reset()
        self.chain = self.pages = self.target = self.load = None
        self.forget_store()


class GpChip:
    """One chip.

    :ivar waiting: data for GET RESPONSE.
    :ivar transient: what applications remember until the next reset, by a name of their choice.
    """

    def __init__(self, image: GpImage, memory: Memory, protocol: int, random: Random) -> None:
        self.image = image
        self.memory = memory
        self.protocol = protocol
        self.random = random
        self.journal = Journal(memory)
        self.registry = Registry(self.journal)
        self.reset()

    def reset(self) -> None:
        """Lose everything volatile, take back what a power cut left unfinished."""
        self.journal.forget()
        self.journal.recover()
        self.waiting: Waiting | None = None
        self.transient: dict[str, bytes] = {}
        self.channels: dict[int, Channel] = {}
        self.channels[0] = self.channel(0, self.implicitly_selected(0))

    @property
    def state(self) -> int:
        """Life cycle state of the card."""
        return self.registry.isd.state

    @property
    def locked(self) -> bool:
        """Is the card CARD_LOCKED?"""
        return self.state == CARD_LOCKED

    @property
    def terminated(self) -> bool:
        """Is the card TERMINATED?"""
        return self.state == TERMINATED

    def implicitly_selected(self, number: int) -> Entry:
        """What is selected on a logical channel that has just come to be (6.4.1)."""
        if self.locked or self.terminated:
            return self.registry.holder(Privilege.FINAL_APPLICATION)
        for entry in self.registry:
            if entry.selectable and any(byte & 0x1F == number and byte & _CONTACT for byte in entry.selections):
                return entry
        holder = self.registry.holder(Privilege.CARD_RESET)
        return holder if number == 0 and holder.selectable else self.registry.isd

    def channel(self, number: int, entry: Entry) -> Channel:
        """A logical channel on which an application has just been selected."""
        domain = self.domain_of(entry)
        secure = SecureChannel(
            self.session_keys(domain),
            entry.aid,
            kdd=self.kdd(domain.aid),
            random=self.random.randbytes,
            behaviour=self.image.behaviour,
        )
        return Channel(number, entry.aid, secure)

    def domain_of(self, entry: Entry) -> Entry:
        """The security domain whose keys an application uses: itself, or the one associated with it."""
        return entry if entry.is_domain else self.registry.domain(entry.domain)

    def entry(self, channel: Channel) -> Entry:
        """The application selected on a channel.

        :raises StatusWordError: 6985 when it is there no more, or may not be used now.
        """
        found = self.registry.find(channel.selected)
        if found is None or found.locked:
            raise StatusWordError(sw.CONDITIONS)
        return found

    def session_keys(self, domain: Entry) -> KeyRing:
        """The key sets that open sessions with a security domain: its own, else those of the nearest one above."""
        for found in (domain, *self.registry.ancestors(domain)):
            ring = self.keys(found.aid).ring()
            if any(one.scp == SCP11 or opens(one) for one in ring.sets.values()):
                return ring
        return KeyRing()

    def keys(self, aid: bytes) -> KeyCells:
        """The key sets of a security domain."""
        return KeyCells(self.journal, aid, self.image.retry)

    def data(self, aid: bytes, tag: int) -> bytes:
        """A data object of a security domain, empty when it has none."""
        return self.journal.get(cells.data(aid, tag))

    def put_data(self, aid: bytes, tag: int, value: bytes) -> None:
        """Store a data object of a security domain."""
        self.journal.put(cells.data(aid, tag), value)

    def kdd(self, aid: bytes) -> bytes:
        """Key diversification data, 10 bytes: the domain's own, else the card's."""
        return self.data(aid, KDD) or self.data(self.registry.isd.aid, KDD)


Handler = Callable[[GpChip, Channel, Entry, PlainCommand], Answer]


def used_elsewhere(chip: GpChip, aid: bytes, here: Channel) -> bool:
    """Is an application selected on another logical channel?"""
    return any(channel.selected == aid for channel in chip.channels.values() if channel is not here)


def is_issuer(entry: Entry) -> bool:
    """Is it the issuer security domain?"""
    return entry.kind is Kind.ISD
