"""Data preparation of a whole batch: what takes long is made ahead, in processes, and filed piece by piece.

An interrupted preparation is finished by another one: a record that has its values keeps them. production.md 11
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cardkit.crypto import KeyStore
from cardkit.crypto.rsapool import CardRsaPool
from cardkit.errors import EncodingError, ProfileError, RecordError
from cardkit.perso import Prepared, prepare
from cardkit.production.people.roles import Step
from cardkit.production.store import preparing
from cardkit.production.store.orders import DATA_FIELD
from cardkit.production.store.preparing import Waiting
from cardkit.production.store.store import Batch, Store
from cardkit.profile import Profile, Record

CHUNK = 50

Progress = Callable[[int, int], None]
"""Told after each piece: how many records have their values now, and how many there are to prepare."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a preparation did.

    :param made: records that got their values now.  :param before: records that had them before.
    """

    batch: str
    made: int
    before: int


def prepare_batch(  # noqa: PLR0913  (three are named, and have defaults)
    store: Store,
    profile: Profile,
    batch: str,
    keystore: KeyStore,
    *,
    processes: int | None = None,
    progress: Progress | None = None,
    rows: range | None = None,
) -> Preparation:
    """Prepare every record of a batch that was not prepared yet.

    :param rows: of the order, those only; the counts are of them, too.
    :param processes: that make RSA keys, by default one for each processor.
    :raises ProfileError: when the batch was imported with another profile.
    :raises RecordError: PREPARE, when a value of a record does not fit the product; records before it are prepared.
    """
    store.presence.require(Step.PREPARE, (store.operator,))
    lot = store.batch(batch)
    if lot.profile_sha256 != profile.sha256:
        raise ProfileError(f"{profile.path}: not the profile batch {batch} was imported with, or changed since")
    if lot.prepare_step is None:
        # its challenges are drawn when a card is made
        return Preparation(batch, 0, preparing.record_count(store, lot, rows))
    todo = preparing.waiting_count(store, lot, rows)
    made = 0
    with CardRsaPool(todo, processes) as pool:
        keystore.card_rsa_source = pool
        while piece := preparing.waiting(store, lot, CHUNK, rows):
            sealed, wrong = _sealed(store, lot, profile, keystore, piece)
            made += preparing.file_values(store, lot, sealed)
            if progress is not None:
                progress(made, todo)
            if wrong is not None:
                raise wrong
    return Preparation(batch, made, preparing.record_count(store, lot, rows) - todo)


def _sealed(
    store: Store, lot: Batch, profile: Profile, keystore: KeyStore, rows: Sequence[Waiting]
) -> tuple[list[tuple[Waiting, bytes]], RecordError | None]:
    """Return records with their values in cipher, up to the first that cannot be prepared, and why it cannot."""
    vault = store.vault.batch(lot.name)
    sealed: list[tuple[Waiting, bytes]] = []
    for row in rows:
        record = Record.from_canonical(profile.record, vault.open(row.row_no, DATA_FIELD, row.data))
        try:
            values = prepare(profile, record, keystore, secrets.token_bytes)
        except EncodingError as error:
            return sealed, RecordError(f"batch {lot.name}: row {row.row_no}: {error}", code="PREPARE")
        sealed.append((row, vault.seal(row.row_no, lot.prepare_step or "", values.to_bytes())))
    return sealed, None


def kept_values(store: Store, profile: Profile, record: Record) -> Prepared | None:
    """Return the values a record was prepared with in a store; None where it has none for this profile.

    :raises LoginError: of a LIVE store, when the operator is not logged in.  :raises TwoPersonsError: without the role.
    """
    store.presence.require(Step.RUN, (store.operator,))
    kept = preparing.values_of(store, profile.sha256, record.business_keys())
    if kept is None:
        return None
    return Prepared.from_bytes(store.vault.batch(kept.batch).open(kept.row_no, kept.step, kept.cell))
