"""Where the key sets of security domains lie: one cell a set, one for its counter and tries.

`keys/AID/KVN` holds a whole set, so that PUT KEY changes all its keys in one write; `tries/AID/KVN` is written at once
by the secure channels. The order of creation makes the default set.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

from ..errors import StatusWordError
from . import ber, cells
from .journal import Journal
from .keysets import CardKeyEntry, KeyRing, KeySet, RetryPolicy


class JournalCell:
    """A cell whose value the secure channels change at once, whatever becomes of the command."""

    __slots__ = ("_journal", "_name")

    def __init__(self, journal: Journal, name: str) -> None:
        self._journal = journal
        self._name = name

    def read(self) -> bytes:
        """Its value, empty when it was never written."""
        return self._journal.get(self._name)

    def write(self, value: bytes) -> None:
        """Write it now.

        :raises WriteFailedError: by a fault of the memory.
        """
        self._journal.put_now(self._name, value)


def encode(found: KeySet, order: int) -> bytes:
    """The body of the cell of a key set.

    :param order: which of the sets of its security domain it is, by creation; the first is the default set.
    """
    head = ber.build(0x83, bytes((found.kvn, found.scp, found.i, order)))
    return head + b"".join(ber.build(0xB9, _key(key)) for key in found.keys.values())


def _key(key: CardKeyEntry) -> bytes:
    more = b"".join(
        ber.build(0xB7, ber.build(0x80, bytes((kind,))) + ber.build(0x81, value)) for kind, value in key.more
    )
    return b"".join(
        (
            ber.build(0x82, bytes((key.kid,))),
            ber.build(0x80, bytes((key.type,))),
            ber.build(0x81, key.value),
            ber.build(0x95, key.usage),
            ber.build(0x96, key.access),
            more,
        )
    )


def order_of(cell: bytes) -> int:
    """Which set of its security domain this is, by creation."""
    return _keys(cell)[0][3]


@lru_cache(maxsize=1024)
def _keys(cell: bytes) -> tuple[bytes, tuple[CardKeyEntry, ...]]:
    """KVN, SCP, `i` and order in one piece, and the keys."""
    (_, head), *keys = ber.parse(cell)
    return head, tuple(_entry(head[0], value) for _, value in keys)


def _entry(kvn: int, body: bytes) -> CardKeyEntry:
    objects = ber.parse(body)
    one = dict(objects)
    more = [dict(ber.parse(value)) for tag, value in objects if tag == 0xB7]
    return CardKeyEntry(
        kid=one[0x82][0],
        kvn=kvn,
        type=one[0x80][0],
        value=one[0x81],
        more=tuple((part[0x80][0], part[0x81]) for part in more),
        usage=one[0x95],
        access=one[0x96],
    )


def changed(cell: bytes, change: Callable[[CardKeyEntry], CardKeyEntry]) -> bytes:
    """The body of the cell of a key set with each of its keys changed."""
    (kvn, scp, i, order), keys = _keys(cell)
    return encode(KeySet(kvn, scp, i, {key.kid: change(key) for key in keys}), order)


def opens(found: KeySet) -> bool:
    """Are all the keys there that open a session by INITIALIZE UPDATE?"""
    try:
        found.channel_keys()
    except StatusWordError:
        return False
    return True


class KeyCells:
    """The key sets of one security domain.

    :param policy: how they are guarded against guessing.
    """

    def __init__(self, journal: Journal, aid: bytes, policy: RetryPolicy) -> None:
        self._journal = journal
        self._aid = aid
        self._policy = policy

    def ring(self) -> KeyRing:
        """All of them, in the order of their creation."""
        return KeyRing(*map(self._set, sorted(self._cells(), key=order_of)))

    def _cells(self) -> Iterator[bytes]:
        return map(self._journal.get, self._journal.names(cells.folder(cells.KEYS, self._aid)))

    def _set(self, cell: bytes) -> KeySet:
        (kvn, scp, i, _), keys = _keys(cell)
        tries = JournalCell(self._journal, cells.tries(self._aid, kvn))
        return KeySet(kvn, scp, i, {key.kid: key for key in keys}, tries, self._policy)

    def put(self, changed: KeySet) -> None:
        """Add or replace a set: its counter starts anew and it has all its tries again."""
        name = cells.keys(self._aid, changed.kvn)
        before = self._journal.get(name)
        self._journal.put(name, encode(changed, order_of(before) if before else self._next()))
        self._journal.put(cells.tries(self._aid, changed.kvn), b"")

    def remove(self, kvn: int) -> None:
        """Delete a set."""
        self._journal.put(cells.keys(self._aid, kvn), b"")
        self._journal.put(cells.tries(self._aid, kvn), b"")

    def _next(self) -> int:
        return max(map(order_of, self._cells()), default=-1) + 1
