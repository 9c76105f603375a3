"""The audit trail: every step is an event, every event is hashed onto the one before.

A chain has one writer: a station, or ``office`` for what people do. security.md 11
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql

from cardkit.errors import EncodingError, StoreError
from cardkit.production.canonical import canonical, parse_canonical
from cardkit.production.store import schema
from cardkit.production.store.effects import append_events
from cardkit.production.store.statement import Driver, Statement

OFFICE = "office"
_DOMAIN = b"cardkit-audit-1"

_READ_HEAD = Statement(
    select(schema.audit_head.c.seq, schema.audit_head.c.hash, schema.audit_head.c.at)
    .where(schema.audit_head.c.chain == bindparam("of_chain"))
    .with_for_update()
)
# Two stations may write to a new chain at the same moment; SQLite knows the same words.
_ADD_HEAD = Statement(postgresql.insert(schema.audit_head).on_conflict_do_nothing(index_elements=["chain"]))


def genesis(installation: str, chain: str) -> bytes:
    """Return hash 0 of a chain, 32 bytes."""
    return hashlib.sha256(b"\0".join((_DOMAIN, installation.encode(), chain.encode()))).digest()


def chained(previous: bytes, event: bytes) -> bytes:
    """Return the hash of a canonical event after ``previous``, 32 bytes."""
    return hashlib.sha256(b"\0" + previous + event).digest()


def timestamp(moment: datetime) -> str:
    """Write a point in time as the audit does.

    >>> timestamp(datetime(2031, 5, 4, 6, 0, 9, 120_999, tzinfo=UTC))
    '2031-05-04T06:00:09.120Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: a kind, who did it, its data (ids, codes, digests, counts), the record it is about."""

    kind: str
    actor: str
    data: Mapping[str, Any]
    record_id: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number, hash and time of its last event."""

    seq: int
    hash: bytes
    at: str


class AuditChain:
    """Appends events to one chain inside the caller's transaction.

    The head is remembered from the last append; the database moves it only from there, so that a head left over from
    a transaction that was undone, or moved by another process, is noticed and read again.
    """

    def __init__(self, installation: str, chain: str) -> None:
        self.installation = installation
        self.name = chain
        self._head: Head | None = None

    def append(self, driver: Driver, events: Sequence[tuple[datetime, Event]]) -> None:
        """Add events with their times; before one whose clock went back, that is an event of its own."""
        old = self._head or self._read(driver)
        new, rows = self._linked(old, events)
        if not append_events(driver, self._move(old, new), rows):
            old = self._read(driver)
            new, rows = self._linked(old, events)
            if not append_events(driver, self._move(old, new), rows):
                raise StoreError(f"audit chain {self.name}: its head moved inside our transaction")
        self._head = new

    def _linked(self, head: Head, events: Sequence[tuple[datetime, Event]]) -> tuple[Head, list[dict[str, Any]]]:
        """Return the head after these events, and their rows."""
        rows = []
        for moment, event in events:
            at = timestamp(moment)
            if at < head.at:
                step = Event("CLOCK_STEP", event.actor, {"from": head.at, "to": at})
                head, row = self._link(head, at, step)
                rows.append(row)
            head, row = self._link(head, at, event)
            rows.append(row)
        return head, rows

    def _link(self, head: Head, at: str, event: Event) -> tuple[Head, dict[str, Any]]:
        seq = head.seq + 1
        text = canonical({"seq": seq, "at": at, "actor": event.actor, "event": event.kind, "data": event.data})
        new = Head(seq, chained(head.hash, text), at)
        return new, {
            "chain": self.name,
            "seq": seq,
            "kind": event.kind,
            "record_id": event.record_id,
            "event": text.decode(),
            "hash": new.hash,
        }

    def _move(self, old: Head, new: Head) -> dict[str, Any]:
        return {
            "of_chain": self.name,
            "old_seq": old.seq,
            "old_hash": old.hash,
            "new_seq": new.seq,
            "new_hash": new.hash,
            "new_at": new.at,
        }

    def _read(self, driver: Driver) -> Head:
        """Return the head as it is; nobody else moves it until our transaction ends."""
        row = _READ_HEAD.one(driver, {"of_chain": self.name})
        if row is None:
            first = {"chain": self.name, "seq": 0, "hash": genesis(self.installation, self.name), "at": ""}
            _ADD_HEAD.run(driver, first)
            row = _READ_HEAD.one(driver, {"of_chain": self.name})
        return Head(row.seq, row.hash, row.at)


class Chains(dict[str, AuditChain]):
    """The chains of one store by name, each made when it is first written to."""

    def __init__(self, installation: str) -> None:
        super().__init__()
        self._installation = installation

    def __missing__(self, name: str) -> AuditChain:
        chain = self[name] = AuditChain(self._installation, name)
        return chain


@dataclass(frozen=True, slots=True)
class Link:
    """One stored event: its number, canonical text and hash; ``kind`` and ``record_id`` as the columns say."""

    seq: int
    event: bytes
    hash: bytes
    kind: str | None = None
    record_id: int | None = None


@dataclass(frozen=True, slots=True)
class ChainFinding:
    """What is wrong with a chain, and at which event.

    HASH, ORDER, GAP, CLOCK: of its events. HEAD: it ends otherwise than is known. CHECKPOINT, CHECKPOINT_BEYOND_END,
    CHECKPOINT_LINK, SIGNATURE: of what was signed of it. security.md 11
    """

    code: str
    seq: int


_MEMBERS = {"actor": str, "at": str, "data": dict, "event": str, "seq": int}


def _parsed(link: Link) -> dict[str, Any] | None:
    """Return an event that is one, and the one its link says."""
    try:
        event = parse_canonical(link.event)
    except EncodingError:
        return None
    if not isinstance(event, dict) or {name: type(value) for name, value in event.items()} != _MEMBERS:
        return None
    named = link.kind is None or (link.kind == event["event"] and link.record_id == event["data"].get("record"))
    return event if named and event["seq"] == link.seq else None


@dataclass(slots=True)
class Walk:
    """A chain recomputed, as far as it holds.

    :ivar findings: where it first breaks, and where the clock went back unannounced.
    :ivar sound: number of the last event before the first break.  :ivar end: the highest number there is.
    :ivar taken: how many events are sound: as many, where the walk began at the first and left none out.
    :ivar hash: of the last sound event, 32 bytes.  :ivar marks: hash and counts at the events asked for.
    """

    findings: list[ChainFinding]
    hash: bytes
    sound: int = 0
    end: int = 0
    taken: int = 0
    marks: dict[int, tuple[bytes, dict[str, int]]] = field(default_factory=dict)

    def head(self, known: bytes) -> list[ChainFinding]:
        """Return the findings together with HEAD where a sound chain ends otherwise than is known from elsewhere."""
        broken = self.sound != self.end
        return self.findings if broken or self.hash == known else [*self.findings, ChainFinding("HEAD", self.end)]


def walk_chain(  # noqa: PLR0913  (all but one are named, four have defaults)
    links: Iterable[Link],
    *,
    installation: str,
    chain: str,
    marks: Collection[int] = (),
    counted: Collection[str] = (),
    signed: Mapping[int, tuple[bytes, dict[str, int]]] | None = None,
    seen: Callable[[dict[str, Any]], None] | None = None,
) -> Walk:
    """Recompute a chain event by event, to its first break.

    :param marks: numbers of events whose hash is wanted, with the counts of events up to there.
    :param counted: the kinds that are counted.  :param seen: is given each sound event.
    :param signed: events, by number, whose hash and counts are known from what was signed: of an extract, events
        between two of them may be left out.
    A chain alone does not show that its end was cut off or that all of it was rewritten. security.md 11
    """
    walk = Walk([], genesis(installation, chain))
    counts = dict.fromkeys(counted, 0)
    last_at, stepped = "", False
    stored = iter(links)
    for link in stored:
        if signed is not None and _leaps(walk, link, signed):
            walk.hash, counts = signed[link.seq - 1][0], dict(signed[link.seq - 1][1])
            walk.sound = walk.end = link.seq - 1
            last_at, stepped = "", False
        event = _next(walk, link, stored)
        if event is None:
            return walk
        kind = event["event"]
        if event["at"] < last_at and not stepped and kind != "CLOCK_STEP":
            walk.findings.append(ChainFinding("CLOCK", link.seq))
        last_at, stepped = event["at"], kind == "CLOCK_STEP"
        if kind in counts:
            counts[kind] += 1
        if link.seq in marks:
            walk.marks[link.seq] = (walk.hash, dict(counts))
        if seen is not None:
            seen(event)
    return walk


def _leaps(walk: Walk, link: Link, signed: Collection[int]) -> bool:
    """Whether events were left out between two signed ones, or before the first of them."""
    return link.seq > walk.sound + 1 and link.seq - 1 in signed and (not walk.taken or walk.sound in signed)


def _next(walk: Walk, link: Link, later: Iterator[Link]) -> dict[str, Any] | None:
    """Take one more event into a walk; None where the chain breaks there."""
    expected = walk.sound + 1
    event = _parsed(link) if link.seq == expected else None
    new = chained(walk.hash, link.event)
    if event is not None and new == link.hash:
        walk.hash, walk.sound, walk.end = new, expected, expected
        walk.taken += 1
        return event
    numbers = {link.seq, *(late.seq for late in later)}
    walk.end = max(walk.sound, *numbers)
    if link.seq == expected:
        walk.findings.append(ChainFinding("HASH", link.seq))
    else:
        order = link.seq < expected or expected in numbers
        walk.findings.append(ChainFinding("ORDER" if order else "GAP", min(expected, link.seq)))
    return None


def verify_chain(
    links: Iterable[Link], *, installation: str, chain: str, head: bytes | None = None
) -> list[ChainFinding]:
    """Recompute a chain and say where it first breaks, and where the clock went back unannounced.

    :param head: the last hash known from elsewhere, 32 bytes.
    """
    walk = walk_chain(links, installation=installation, chain=chain)
    return walk.findings if head is None else walk.head(head)
