"""An order becomes a batch: good rows are records in cipher, bad ones lines of the quarantine. production.md 9"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cardkit.crypto import KeyStore
from cardkit.errors import IllegalStepError, ProfileError, RecordError
from cardkit.perso import prepare, prepares
from cardkit.production.input.opening import plain_name
from cardkit.production.input.processes import OrderReaders
from cardkit.production.input.reading import Draws, read_here, refused
from cardkit.production.keyset import keyset_sha256
from cardkit.production.quarantine import QuarantineFile
from cardkit.production.sealing import BadRecord, NewRecord, SealedRows
from cardkit.production.store.orderbook import order_of
from cardkit.production.store.orders import NewBatch, add_batch, add_sealed, new_keys
from cardkit.production.store.store import Batch, Store
from cardkit.profile import BadRow, Order, OrderRows, Profile, Record
from cardkit.profile.rows import HEADER_TIME, HeaderValue

PREPARE_STEP = "perso"
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


def import_batch(  # noqa: PLR0913  (six are named, and have defaults)
    store: Store,
    profile: Profile,
    order: OrderFile,
    keystore: KeyStore,
    source: Path | str,
    *,
    name: str | None = None,
    prepared: bool = True,
    quarantine: Path | None = None,
    processes: int = 1,
    under: str | None = None,
    sender: str | None = None,
) -> Imported:
    """Take an order into the store: every good row becomes a record in cipher. All of it or nothing.

    :param order: read as a whole, or row by row as it goes into the store.
    :param source: the order file, for messages.  :param name: of the batch; by default the file's name without suffix.
    :param prepared: whether values that are made for each card are made at once; else nobody claims a record before
        ``prepare_batch`` was there. Challenges are no such values: they are drawn when a card is made.
    :param quarantine: file that gets the refused rows, where there are any.
    :param processes: that read rows, where nothing is made for them; 1 reads them here.
    :param under: the customer's order it belongs to; a LIVE store takes no file without one.
    :param sender: fingerprint of the OpenPGP key that signed the file, None where none was asked for.
    :raises RecordError: EMPTY, DUPLICATE (a business key twice in the file), HISTORY (one of an earlier batch), SEEN,
        QUANTITY (more than was ordered), SIGNER (not signed by the order's customer).
    :raises ProfileError: when kinds of profile and store differ.
    :raises IllegalStepError: when the order takes no batch, or a LIVE store is given none.
    :raises KeyStoreError: of a LIVE store, when a key its cards ask for is missing, or the key store is a test one.
    """
    if profile.kind != store.terms.kind:
        raise ProfileError(f"{profile.path}: a {profile.kind} profile, the store is {store.terms.kind}")
    _require_sender(store, under, sender)
    new = dataclasses.replace(_new_batch(profile, order, keystore, Path(source), name), order=under, sender=sender)
    makes = new.prepare_step is not None
    with QuarantineFile(quarantine) as file:
        bad = _BadRows(source, file)
        if isinstance(order, OrderRows) and not (makes and prepared):
            lot = _read_in_pieces(store, new, order, bad, processes)
        else:
            rng = Draws()
            make = (lambda record: prepare(profile, record, keystore, rng).to_bytes()) if makes and prepared else None
            lot = add_batch(store, new, _rows(order, bad, make))
    return Imported(lot.name, lot.state.value, lot.rows, lot.imported, tuple(bad.shown))


def _require_sender(store: Store, under: str | None, sender: str | None) -> None:
    """Refuse a file that belongs to no order, or that its order's customer has not signed."""
    live = store.terms.kind == "LIVE"
    if under is None:
        if live:
            raise IllegalStepError("a LIVE store takes the files of approved orders only: name the order")
        return
    expected = order_of(store, under).terms.sender
    if sender != expected or (live and sender is None):
        raise RecordError(f"order {under}: its files are encrypted to us and signed by its customer", code="SIGNER")


def _new_batch(profile: Profile, order: OrderFile, keystore: KeyStore, source: Path, name: str | None) -> NewBatch:
    batch_name = name or Path(plain_name(source)).stem
    if not _NAME.fullmatch(batch_name):
        raise RecordError(f"batch name {batch_name!r}: expected letters, digits, dot, hyphen, underscore", code="NAME")
    return NewBatch(
        name=batch_name,
        profile=profile.name,
        profile_version=profile.version,
        profile_path=str(profile.path.resolve()),
        profile_sha256=profile.sha256,
        keyset_sha256=keyset_sha256(profile, keystore),
        source_name=source.name,
        source_sha256=order.sha256,
        prepare_step=PREPARE_STEP if prepares(profile) else None,
        header=plain_header(order.header),
    )


class _BadRows:
    """Where refused rows go besides the store: into the quarantine file, and the first of them to the caller."""

    def __init__(self, source: Path | str, file: QuarantineFile) -> None:
        self._source = source
        self._file = file
        self.shown: list[BadRow] = []

    def add(self, row: BadRow) -> None:
        """Take one row; RecordError where it is one of an order read whole that stands in the file twice."""
        if row.code == "DUPLICATE":
            raise RecordError(f"{self._source}: line {row.line}: {row.field}: {row.message}", code="DUPLICATE")
        if len(self.shown) < SHOWN_ROWS:
            self.shown.append(row)
        self._file.add(row)


def _rows(order: OrderFile, bad: _BadRows, make: Callable[[Record], bytes] | None) -> Iterator[NewRecord | BadRecord]:
    for row in order:
        if isinstance(row, Record):
            values = None if make is None else make(row)
            yield NewRecord(row.row_no, row.to_canonical(), row.business_keys(), values)
        else:
            bad.add(row)
            yield refused(row)


def _read_in_pieces(store: Store, new: NewBatch, order: OrderRows, bad: _BadRows, processes: int) -> Batch:
    keys = new_keys(store, new)
    with ExitStack() as stack:
        if processes > 1:
            pieces = stack.enter_context(OrderReaders(order, keys, processes)).pieces()
        else:
            pieces = read_here(order, keys)

        def sealed() -> Iterator[SealedRows]:
            for piece in pieces:
                for row in piece.bad:
                    bad.add(row)
                yield piece.rows

        return add_sealed(store, new, sealed())


def plain_header(header: Mapping[str, HeaderValue]) -> dict[str, str | int]:
    """Return the values of an order's header as the audit keeps them; those that are absent are left out."""
    return {
        name: value.strftime(HEADER_TIME) if isinstance(value, datetime) else value
        for name, value in header.items()
        if value is not None
    }
