"""The GlobalPlatform registry: what is on the card, who owns it, in which state (GPCS 6.5, 5.1 to 5.3).

An entry is a cell `registry/AID`; the judge of a test reads it there. Entries are values: a command that changes one
puts a new one, and the journal makes all its changes together.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, cells
from .journal import Journal
from .privileges import EXCLUSIVE_HOLDERS, Privilege

# Life cycle states, Tables 11-3 to 11-6
LOADED: Final = 0x01
INSTALLED: Final = 0x03
SELECTABLE: Final = 0x07
PERSONALIZED: Final = 0x0F
LOCKED: Final = 0x80  # set beside the state that unlocking brings back

OP_READY, INITIALIZED, SECURED, CARD_LOCKED, TERMINATED = 0x01, 0x07, 0x0F, 0x7F, 0xFF


class Kind(Enum):
    """What an entry is."""

    ISD = 0
    SD = 1
    APPLICATION = 2
    LOAD_FILE = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One load file, application or security domain.

    :ivar state: its life cycle byte; the card's for the issuer security domain.
    :ivar privileges: 24 bits.  :ivar domain: AID of the associated security domain, its own for the ISD.
    :ivar load_file: AID of the load file an application comes from.  :ivar module: AID of its module there.
    :ivar version: two bytes of a load file.  :ivar modules: AIDs in a load file.
    :ivar selections: implicit selection parameters, each a byte (11.1.7).
    :ivar protocols: `scp i` pairs a security domain offers.  :ivar size: bytes of memory it takes.
    :ivar restrictions: D9 of INSTALL [for registry update], one byte.
    :ivar accepts: 87 of its system parameters: who may associate applications with it.
    """

    aid: bytes
    kind: Kind
    state: int
    privileges: int = 0
    domain: bytes = b""
    load_file: bytes = b""
    module: bytes = b""
    version: bytes = b""
    modules: tuple[bytes, ...] = ()
    selections: bytes = b""
    protocols: tuple[bytes, ...] = ()
    size: int = 0
    restrictions: int = 0
    accepts: bytes = b""

    @property
    def is_domain(self) -> bool:
        """Is it a security domain?"""
        return self.kind in (Kind.ISD, Kind.SD)

    @property
    def locked(self) -> bool:
        """Is it an application or security domain that was locked?"""
        return self.kind in (Kind.SD, Kind.APPLICATION) and bool(self.state & LOCKED)

    @property
    def selectable(self) -> bool:
        """May SELECT find it?"""
        return self.kind is Kind.ISD or (
            self.kind is not Kind.LOAD_FILE and self.state not in range(SELECTABLE) and not self.locked
        )

    def has(self, privilege: Privilege) -> bool:
        """Does it hold a privilege?"""
        return bool(self.privileges & privilege)

    def encode(self) -> bytes:
        """The body of its cell."""
        objects = [
            (0x4F, self.aid),
            (0x80, bytes((self.kind.value,))),
            (0x9F70, bytes((self.state,))),
            (0xC5, self.privileges.to_bytes(3, "big")),
            (0xCC, self.domain),
            (0xC4, self.load_file),
            (0x82, self.module),
            (0xCE, self.version),
            (0xCF, self.selections),
            (0xC8, self.size.to_bytes(4, "big")),
            (0xD9, bytes((self.restrictions,))),
            (0x87, self.accepts),
            *((0x84, aid) for aid in self.modules),
            *((0x81, pair) for pair in self.protocols),
        ]
        return b"".join(ber.build(tag, value) for tag, value in objects)


@lru_cache(maxsize=4096)
def _decode(cell: bytes) -> Entry:
    objects = ber.parse(cell)
    one = dict(objects)
    return Entry(
        aid=one[0x4F],
        kind=Kind(one[0x80][0]),
        state=one[0x9F70][0],
        privileges=int.from_bytes(one[0xC5], "big"),
        domain=one[0xCC],
        load_file=one[0xC4],
        module=one[0x82],
        version=one[0xCE],
        modules=tuple(value for tag, value in objects if tag == 0x84),
        selections=one[0xCF],
        protocols=tuple(value for tag, value in objects if tag == 0x81),
        size=int.from_bytes(one[0xC8], "big"),
        restrictions=one[0xD9][0],
        accepts=one[0x87],
    )


class Registry:
    """The entries, read through the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __iter__(self) -> Iterator[Entry]:
        return (_decode(self._journal.get(name)) for name in self._journal.names(f"{cells.REGISTRY}/"))

    def find(self, aid: bytes) -> Entry | None:
        """The entry of exactly that AID."""
        cell = self._journal.get(cells.registry(aid))
        return _decode(cell) if cell else None

    def get(self, aid: bytes) -> Entry:
        """The entry of exactly that AID.

        :raises StatusWordError: 6A88.
        """
        found = self.find(aid)
        if found is None:
            raise StatusWordError(sw.DATA_NOT_FOUND)
        return found

    def domain(self, aid: bytes) -> Entry:
        """The security domain of exactly that AID.

        :raises StatusWordError: 6A88 also when it is something else.
        """
        found = self.get(aid)
        if not found.is_domain:
            raise StatusWordError(sw.DATA_NOT_FOUND)
        return found

    @property
    def isd(self) -> Entry:
        """The issuer security domain; there always is one."""
        return next(entry for entry in self if entry.kind is Kind.ISD)

    def holder(self, privilege: Privilege) -> Entry:
        """Who holds a privilege that has one holder only."""
        return next((entry for entry in self if entry.has(privilege)), self.isd)

    def put(self, entry: Entry) -> None:
        """Add or change an entry.

        A privilege that has one holder only leaves its former holder.
        """
        for privilege in EXCLUSIVE_HOLDERS:
            if entry.has(privilege):
                for other in list(self):
                    if other.has(privilege) and other.aid != entry.aid:
                        self._store(replace(other, privileges=other.privileges & ~privilege))
        self._store(entry)

    def remove(self, entry: Entry) -> None:
        """Delete an entry; privileges with one holder only go back to the issuer security domain."""
        self._journal.put(cells.registry(entry.aid), b"")
        freed = sum(privilege for privilege in EXCLUSIVE_HOLDERS if entry.has(privilege))
        if freed:
            isd = self.isd
            self._store(replace(isd, privileges=isd.privileges | freed))

    def ancestors(self, entry: Entry) -> Iterator[Entry]:
        """The security domains above an entry, nearest first; the one associated with itself is the last."""
        seen = {entry.aid}
        above = self.find(entry.domain)
        while above is not None and above.aid not in seen:
            yield above
            seen.add(above.aid)
            above = self.find(above.domain)

    def below(self, domain: Entry) -> Iterator[Entry]:
        """What is associated with a security domain, directly or not, itself not counted."""
        return (entry for entry in self if entry.aid != domain.aid and domain in self.ancestors(entry))

    def _store(self, entry: Entry) -> None:
        self._journal.put(cells.registry(entry.aid), entry.encode())
