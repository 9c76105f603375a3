"""Taking an order into the store: one transaction, or nothing. production.md 8, 9"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    Subquery,
    Table,
    bindparam,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError

from cardkit.errors import RecordError, StoreError
from cardkit.production.people.roles import Step
from cardkit.production.sealing import DATA_FIELD, BadRecord, NewRecord, RowSealer, SealedRows, SealingKeys
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.orderbook import taken, taking
from cardkit.production.store.retention import refuse_overdue
from cardkit.production.store.schema import BatchState, RecordState, batch, prepared, quarantine, record, record_key
from cardkit.production.store.statement import Statement, driver_of
from cardkit.production.store.store import Batch, Store

__all__ = ["DATA_FIELD", "BadRecord", "NewBatch", "NewRecord", "Row", "add_batch", "add_sealed", "new_keys"]

CHUNK = 2000
DIGEST_BYTES = 32

# Business keys on their way into record_key: the keyed digests of a record one after another, no values. They are put
# in their places at the end, and sorted: one by one, every one of them would touch a page of the database.
_keys = Table(
    "import_key",
    MetaData(),
    Column("record_id", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("digests", LargeBinary, nullable=False),
    prefixes=["TEMPORARY"],
)
_ADD_RECORD = Statement(insert(record), ["batch_id", "row_no", "state", "token", "data_enc"])
_IDS = Statement(
    select(record.c.row_no, record.c.id).where(
        record.c.batch_id == bindparam("of_batch"), record.c.row_no.between(bindparam("first"), bindparam("last"))
    )
)
_ADD_KEYS = Statement(insert(_keys), ["record_id", "digests"])
_ADD_PREPARED = Statement(insert(prepared), ["record_id", "step", "profile_sha256", "data_enc"])
_ADD_REFUSED = Statement(insert(quarantine), ["batch_id", "row_no", "line", "field", "code", "detail_enc"])


@dataclass(frozen=True, slots=True)
class NewBatch:
    """What a batch is made of.

    :param profile_sha256: 32 bytes.  :param keyset_sha256: 32 bytes.
    :param source_sha256: of the order file, 32 bytes.
    :param remake: ``after-scrap`` or ``never``.
    :param prepare_step: name of the prepared value every record has, or None.
    :param header: what the order says of itself before its rows, for the audit and the output files.
    :param order: the customer's order it belongs to.  :param sender: fingerprint of the key that signed the file.
    """

    name: str
    profile: str
    profile_version: int
    profile_path: str
    profile_sha256: bytes
    keyset_sha256: bytes
    source_name: str
    source_sha256: bytes
    remake: str = "never"
    prepare_step: str | None = None
    header: Mapping[str, str | int] = dataclasses.field(default_factory=dict)
    order: str | None = None
    sender: str | None = None


Row = NewRecord | BadRecord


def add_batch(store: Store, new: NewBatch, rows: Iterable[Row]) -> Batch:
    """Seal the rows of a batch and write them, as :func:`add_sealed` does.

    :param rows: in the order of the file; what they raise undoes the batch.
    """
    sealer = RowSealer(new_keys(store, new), new.prepare_step)

    def pieces() -> Iterator[SealedRows]:
        remaining = iter(rows)
        while chunk := list(islice(remaining, CHUNK)):
            for row in chunk:
                sealer.add(row)
            yield sealer.taken()

    return add_sealed(store, new, pieces())


def new_keys(store: Store, new: NewBatch) -> SealingKeys:
    """Make the keys of a new batch.

    :raises RecordError: SEEN; the name of an earlier batch, purged perhaps, gets no key again.
    """
    with store.reading() as connection:
        _refuse_known(connection, new)
    return store.vault.sealing_keys(new.name)


def add_sealed(store: Store, new: NewBatch, pieces: Iterable[SealedRows]) -> Batch:
    """Write a batch with all its rows as they come, piece by piece. In a TEST store it is OPEN at once, else DRAFT.

    Rows are put in cipher by one thread, or by other processes, while another writes those before: the database works
    outside the interpreter.

    :param pieces: in the order of the file; what they raise undoes the batch.
    :raises RecordError: SEEN (this file was imported before), EMPTY, DUPLICATE (twice in the file), HISTORY (a
        business key of an earlier batch), QUANTITY (more than was ordered); nothing is written then.
    :raises IllegalStepError: when the customer's order takes no batch, or the customer's earlier data is overdue.
    """
    store.presence.require(Step.IMPORT, (store.operator,))
    with store.writing() as connection:
        _refuse_known(connection, new)
        order = None if new.order is None else taking(connection, new.order, new.profile_sha256)
        if order is not None:
            refuse_overdue(connection, order.terms.customer, store.clocks.wall())
        state = BatchState.OPEN if store.terms.persons == 1 else BatchState.DRAFT
        row = {name: value for name, value in asdict(new).items() if name in batch.c}
        row |= {"state": state, "kind": store.terms.kind, "rows": 0, "imported": 0}
        row |= {"created_at": store.clocks.wall(), "order_id": None if order is None else order.id}
        filing = _Filing(store, connection, new, _inserted_id(connection, row))
        with ThreadPoolExecutor(1) as writer:
            written: Future[None] | None = None
            for piece in pieces:
                if written is not None:
                    written.result()
                written = writer.submit(filing.write, piece)
            if written is not None:
                written.result()
        imported = filing.close()
        if order is not None:
            taken(connection, order, imported)
    return store.batch(new.name)


def _inserted_id(connection: Connection, row: dict[str, Any]) -> int:
    return int(connection.execute(insert(batch).returning(batch.c.id), row).scalar_one())


def _refuse_known(connection: Connection, new: NewBatch) -> None:
    seen = connection.scalar(select(batch.c.name).where(batch.c.source_sha256 == new.source_sha256))
    if seen is not None:
        raise RecordError(f"{new.source_name}: this file was imported before, as batch {seen}", code="SEEN")
    if connection.scalar(select(batch.c.id).where(batch.c.name == new.name)) is not None:
        raise RecordError(f"{new.source_name}: the store has a batch {new.name} already", code="SEEN")


class _Filing:
    """The rows of one batch on their way into the store, in one transaction."""

    def __init__(self, store: Store, connection: Connection, new: NewBatch, batch_id: int) -> None:
        self._store = store
        self._connection = connection
        self._driver = driver_of(connection)
        self._new = new
        self._batch_id = batch_id
        self._imported = self._refused = 0
        self._kinds: tuple[str, ...] = ()
        _keys.create(connection)

    def write(self, rows: SealedRows) -> None:
        """Write rows; their business keys wait for the end."""
        mine = self._batch_id
        if rows.records:
            ready = RecordState.READY.value
            _ADD_RECORD.run_rows(self._driver, [(mine, row_no, ready, 0, cell) for row_no, cell, _ in rows.records])
            span = {"of_batch": mine, "first": rows.records[0][0], "last": rows.records[-1][0]}
            ids = dict(_IDS.all(self._driver, span))
            self._require_kinds(rows.kinds)
            _ADD_KEYS.run_rows(self._driver, [(ids[row_no], digests) for row_no, _, digests in rows.records])
            made = (self._new.prepare_step, self._new.profile_sha256)
            _ADD_PREPARED.run_rows(self._driver, [(ids[row_no], *made, cell) for row_no, cell in rows.prepared])
        _ADD_REFUSED.run_rows(self._driver, [(mine, *row) for row in rows.refused])
        self._imported += len(rows.records)
        self._refused += len(rows.refused)

    def close(self) -> int:
        """Write business keys and totals; how many good rows there were.

        :raises RecordError: where the store knows a key, or there was no good row.
        """
        rows = self._imported + self._refused
        if not self._imported:
            raise RecordError(f"{self._new.source_name}: no good row among {rows}", code="EMPTY")
        self._file_keys()
        totals = {"rows": rows, "imported": self._imported}
        self._connection.execute(update(batch).where(batch.c.id == self._batch_id).values(totals))
        _audit_import(self._store, self._connection, self._new, self._imported, self._refused)
        return self._imported

    def _require_kinds(self, kinds: tuple[str, ...]) -> None:
        if self._imported and kinds != self._kinds:
            raise StoreError(f"{self._new.source_name}: records with keys {kinds}, expected {self._kinds} in all")
        self._kinds = kinds

    def _file_keys(self) -> None:
        names = ("kind", "digest", "record_id")
        try:
            with self._guarded():
                for kind in sorted(self._kinds):
                    of_kind = _of_kind(self._kinds, kind)
                    self._connection.execute(insert(record_key).from_select(names, of_kind.order_by("digest")))
        except IntegrityError:
            raise self._known() from None
        _keys.drop(self._connection)

    def _guarded(self) -> AbstractContextManager[object]:
        """Keep the transaction alive if a statement fails; SQLite does so by itself, and would pay for a savepoint."""
        return nullcontext() if self._connection.dialect.name == "sqlite" else self._connection.begin_nested()

    def _known(self) -> RecordError:
        """Return why the store refused some business keys, by the first row it concerns."""
        keys = union_all(*[_of_kind(self._kinds, kind) for kind in self._kinds]).subquery()
        again = self._connection.execute(_twice(keys)).first()
        before = self._connection.execute(_in_history(keys)).first()
        if again is not None and (before is None or again.row_no <= before.row_no):
            text = f"row {again.row_no}: {again.kind} is that of row {again.first_row}{_more(again.keys)}"
            return RecordError(f"{self._new.source_name}: {text}", code="DUPLICATE")
        if before is not None:
            text = f"row {before.row_no}: {before.kind} was imported before (batch {before.name}, row {before.old_row})"
            return RecordError(f"{self._new.source_name}: {text}{_more(before.keys)}", code="HISTORY")
        raise StoreError(f"{self._store.path}: refused business keys that it does not hold")


def _more(keys: int) -> str:
    return f"; {keys} such keys in all" if keys > 1 else ""


def _of_kind(kinds: tuple[str, ...], kind: str) -> Select[Any]:
    """Select the business keys of one kind of the records in the temporary table."""
    first = 1 + DIGEST_BYTES * kinds.index(kind)
    digest = func.substr(_keys.c.digests, first, DIGEST_BYTES, type_=LargeBinary)
    return select(literal(kind).label("kind"), digest.label("digest"), _keys.c.record_id)


def _twice(keys: Subquery) -> Select[Any]:
    """Select the first row that has a business key of a row before it, that row, and how many such keys there are."""
    same = func.lag(keys.c.record_id).over(partition_by=(keys.c.kind, keys.c.digest), order_by=keys.c.record_id)
    found = select(keys.c.kind, keys.c.record_id, same.label("first_id")).subquery()
    first = record.alias()
    return (
        select(record.c.row_no, found.c.kind, first.c.row_no.label("first_row"), func.count().over().label("keys"))
        .join(found, found.c.record_id == record.c.id)
        .join(first, first.c.id == found.c.first_id)
        .order_by(record.c.row_no, found.c.kind)
        .limit(1)
    )


def _in_history(keys: Subquery) -> Select[Any]:
    """Select the first row that has a business key of an earlier batch, where that was, and how many there are."""
    old = record.alias()
    same = (record_key.c.kind == keys.c.kind) & (record_key.c.digest == keys.c.digest)
    others = record_key.c.record_id != keys.c.record_id  # those of a kind before may be in their places already
    return (
        select(
            record.c.row_no,
            keys.c.kind,
            old.c.row_no.label("old_row"),
            batch.c.name,
            func.count().over().label("keys"),
        )
        .select_from(keys)
        .join(record_key, same & others)
        .join(record, record.c.id == keys.c.record_id)
        .outerjoin(old, old.c.id == record_key.c.record_id)
        .outerjoin(batch, batch.c.id == old.c.batch_id)
        .order_by(record.c.row_no, keys.c.kind)
        .limit(1)
    )


def _audit_import(store: Store, connection: Connection, new: NewBatch, imported: int, refused: int) -> None:
    data: dict[str, Any] = {
        "batch": new.name,
        "profile": new.profile,
        "profile_sha256": new.profile_sha256.hex(),
        "keyset_sha256": new.keyset_sha256.hex(),
        "source_sha256": new.source_sha256.hex(),
        "rows": imported + refused,
        "imported": imported,
        "quarantined": refused,
    }
    for name, said in (("header", dict(new.header)), ("order", new.order), ("sender", new.sender)):
        if said:
            data[name] = said
    store.audit(connection, OFFICE, Event("IMPORT", store.operator, data))
