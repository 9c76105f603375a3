"""What the command line does with batches: import, run, status, check, close. production.md 8"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select, update

from cardkit.crypto import KeyStore
from cardkit.errors import ProfileError, RecordError
from cardkit.perso import prepare
from cardkit.production.canonical import canonical
from cardkit.production.quarantine import QuarantineFile
from cardkit.production.reconcile import CardCounts, Closing, Ledger, reconcile
from cardkit.production.store import reading, schema
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.invariants import Violation, check_audit, check_records
from cardkit.production.store.orders import BadRecord, NewBatch, NewRecord, add_batch
from cardkit.production.store.reading import CardResult, Doubt
from cardkit.production.store.store import Store
from cardkit.profile import BadRow, Order, OrderRows, Profile, Record
from cardkit.profile.rows import HEADER_TIME, HeaderValue

PREPARE_STEP = "perso"
DRAWN_BYTES = 4096
SHOWN_ROWS = 1000
OrderFile = Order | OrderRows
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought.

    :param rows: data rows of the file.  :param quarantined: the refused ones, the first thousand.
    """

    batch: str
    state: str
    rows: int
    imported: int
    quarantined: tuple[BadRow, ...]


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """Where a batch stands.

    :param why: it is held.  :param counts: records by state, all named.  :param rejects: cards by reject code.
    """

    batch: str
    state: str
    kind: str
    profile: str
    profile_version: int
    why: str | None
    counts: Mapping[str, int]
    rows: int
    imported: int
    quarantined: int
    rejects: Mapping[str, int]


def keyset_sha256(profile: Profile) -> bytes:
    """Return the digest of the key set a TEST profile works with, 32 bytes."""
    content = profile.test_keys.read_bytes() if profile.test_keys is not None else b""
    return hashlib.sha256(content).digest()


def import_batch(  # noqa: PLR0913  (three are named, and have defaults)
    store: Store,
    profile: Profile,
    order: OrderFile,
    keystore: KeyStore,
    source: Path | str,
    *,
    name: str | None = None,
    prepared: bool = True,
    quarantine: Path | None = None,
) -> Imported:
    """Take an order into the store: every good row becomes a record, prepared and in cipher. All of it or nothing.

    :param order: read as a whole, or row by row as it goes into the store.
    :param source: the order file, for messages.  :param name: of the batch; by default the file's name without suffix.
    :param prepared: whether records are prepared at once; else nobody claims one before ``prepare_batch`` was there.
    :param quarantine: file that gets the refused rows, where there are any.
    :raises RecordError: EMPTY, DUPLICATE (a business key twice in the file), HISTORY (one of an earlier batch), SEEN.
    :raises ProfileError: when kinds of profile and store differ.
    """
    if profile.kind != store.terms.kind:
        raise ProfileError(f"{profile.path}: a {profile.kind} profile, the store is {store.terms.kind}")
    batch_name = name or Path(source).stem
    if not _NAME.fullmatch(batch_name):
        raise RecordError(f"batch name {batch_name!r}: expected letters, digits, dot, hyphen, underscore", code="NAME")
    new = NewBatch(
        name=batch_name,
        profile=profile.name,
        profile_version=profile.version,
        profile_path=str(profile.path.resolve()),
        profile_sha256=profile.sha256,
        keyset_sha256=keyset_sha256(profile),
        source_name=Path(source).name,
        source_sha256=order.sha256,
        prepare_step=PREPARE_STEP,
        header=plain_header(order.header),
    )
    shown: list[BadRow] = []
    rng = _Draws()

    def rows() -> Iterator[NewRecord | BadRecord]:
        for row in order:
            if isinstance(row, Record):
                values = prepare(profile, row, keystore, rng).to_bytes() if prepared else None
                yield NewRecord(row.row_no, bytes(row.to_canonical()), row.business_keys(), values)
                continue
            if row.code == "DUPLICATE":
                raise RecordError(f"{source}: line {row.line}: {row.field}: {row.message}", code="DUPLICATE")
            if len(shown) < SHOWN_ROWS:
                shown.append(row)
            refused.add(row)
            yield BadRecord(row.row_no, row.line, row.field, row.code, row.message)

    with QuarantineFile(quarantine) as refused:
        lot = add_batch(store, new, rows())
    return Imported(lot.name, lot.state.value, lot.rows, lot.imported, tuple(shown))


def plain_header(header: Mapping[str, HeaderValue]) -> dict[str, str | int]:
    """Return the values of an order's header as the audit keeps them; those that are absent are left out."""
    return {
        name: value.strftime(HEADER_TIME) if isinstance(value, datetime) else value
        for name, value in header.items()
        if value is not None
    }


class _Draws:
    """Random bytes for many records: the system is asked for some thousand at a time."""

    def __init__(self) -> None:
        self._drawn = b""
        self._at = 0

    def __call__(self, size: int) -> bytes:
        if self._at + size > len(self._drawn):
            self._drawn, self._at = secrets.token_bytes(max(size, DRAWN_BYTES)), 0
        self._at += size
        return self._drawn[self._at - size : self._at]


def batches(store: Store) -> list[str]:
    """Return the names of all batches, oldest first."""
    return store.batch_names()


def batch_status(store: Store, batch: str) -> BatchStatus:
    """Return where a batch stands; StoreError when there is none of that name."""
    lot = store.batch(batch)
    return BatchStatus(
        batch=lot.name,
        state=lot.state.value,
        kind=lot.kind,
        profile=lot.profile,
        profile_version=lot.profile_version,
        why=lot.why,
        counts=reading.counts(store, lot),
        rows=lot.rows,
        imported=lot.imported,
        quarantined=reading.quarantine_count(store, lot),
        rejects=reading.reject_counts(store, lot),
    )


def doubts(store: Store, batch: str) -> list[Doubt]:
    """Return the records of a batch that wait for their card, in row order."""
    return reading.doubts(store, store.batch(batch))


def results(store: Store, batch: str) -> Iterator[CardResult]:
    """Yield the cards of a batch in row order, fetched as they are used."""
    return reading.results(store, store.batch(batch))


def check_batch(store: Store, batch: str | None = None) -> list[Violation]:
    """Run every invariant over a batch, or all of them, and recompute the audit chains; empty when sound."""
    names = [batch] if batch is not None else store.batch_names()
    found = [violation for name in names for violation in check_records(store, store.batch(name))]
    return found + check_audit(store)


def close_batch(store: Store, batch: str, cards: CardCounts | None = None) -> Closing:
    """Compare cards with records and close the batch if everything comes out at zero.

    :param cards: as counted by hand; None takes the store's own counts, which proves nothing about the cards.
    """
    lot = store.batch(batch)
    counted = cards or _counted(store, batch)
    closing = reconcile(counted, _ledger(store, batch))
    if closing.closable:
        sheet = asdict(counted)
        with store.writing() as connection:
            closed = {
                "state": schema.BatchState.CLOSED,
                "sheet": canonical(sheet).decode(),
                "closed_at": store.clocks.wall(),
            }
            connection.execute(update(schema.batch).where(schema.batch.c.id == lot.id).values(closed))
            data = {"batch": batch, "by_hand": cards is not None, "cards": sheet}
            store.audit(connection, OFFICE, Event("CLOSE", store.operator, data))
    return closing


def _counted(store: Store, batch: str) -> CardCounts:
    lot = store.batch(batch)
    counts = reading.counts(store, lot)
    personalized = counts["REJECTED"] + counts["SCRAPPED"]
    blank = reading.blank_reject_count(store, lot)
    return CardCounts(
        issued=counts["GOOD"] + personalized + blank + counts["LOST"] + counts["IN_DOUBT"],
        good=counts["GOOD"],
        rejected_personalized=personalized,
        rejected_blank=blank,
        lost=counts["LOST"],
        in_doubt=counts["IN_DOUBT"],
    )


def _ledger(store: Store, batch: str) -> Ledger:
    lot = store.batch(batch)
    records = {state.lower(): count for state, count in reading.counts(store, lot).items()}
    undisposed = select(func.count()).where(
        schema.quarantine.c.batch_id == lot.id, schema.quarantine.c.disposition.is_(None)
    )
    incidents = select(func.count()).where(
        schema.record.c.batch_id == lot.id, schema.record.c.incident.is_not(None), schema.record.c.state == "LOST"
    )
    with store.reading() as connection:
        return Ledger(
            records | {"imported": lot.imported},
            incidents=connection.scalar(incidents) or 0,
            undisposed=connection.scalar(undisposed) or 0,
            unsound=len(check_batch(store, batch)),
        )
