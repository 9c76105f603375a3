"""The printer's file of a batch: what stands on the plastic of each card; and the mailer's: what stands in its letter.

``#CARDKIT-PRINT 1 BATCH``, then for each card ``#CARD ROW`` and its fields, then ``#END COUNT SHA-256``, which covers
every byte before it; letters begin with ``#CARDKIT-MAILER 1``. The printer's file holds personal data and values nobody
else sees: it belongs where the embosser is, only. A letter has a PIN and no PAN.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cardkit.crypto import KeyStore
from cardkit.errors import ProfileError
from cardkit.perso import Prepared, mailed, printed
from cardkit.production.people.roles import Step
from cardkit.production.report.atomic import replacing_bytes
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.orders import DATA_FIELD
from cardkit.production.store.preparing import kept_records
from cardkit.production.store.store import Store
from cardkit.profile import Profile, Record

FORMAT = "#CARDKIT-PRINT 1"
MAIL_FORMAT = "#CARDKIT-MAILER 1"


@dataclass(frozen=True, slots=True)
class Printout:
    """A printer's file.  :param sha256: of all but its last line, 32 bytes."""

    path: Path
    cards: int
    sha256: bytes


def print_batch(store: Store, profile: Profile, batch: str, keystore: KeyStore, out: Path) -> Printout:
    """Write the printer's file of a batch: every record that is prepared, in row order.

    :param out: takes the file's place when it is whole.
    :raises ProfileError: when the batch is of another profile, or its cards carry nothing on their plastic.
    :raises StoreError: when the file cannot be written.
    """
    return _written(
        store, profile, batch, _File(out, FORMAT), lambda record, values: printed(profile, record, values, keystore)
    )


def mail_batch(store: Store, profile: Profile, batch: str, keystore: KeyStore, out: Path, key: str) -> Printout:
    """Write the file of a batch for whoever prints and posts PIN letters; it has no PAN, and no PIN in clear.

    :param out: takes the file's place when it is whole.  :param key: reference of the key that printer has too.
    :raises ProfileError: when the batch is of another profile, or its cards have no secret that is mailed.
    :raises EncodingError: when a record has none.  :raises StoreError: when the file cannot be written.
    """
    return _written(
        store, profile, batch, _File(out, MAIL_FORMAT), lambda record, _: mailed(profile, record, keystore, key)
    )


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    format: str


def _written(
    store: Store, profile: Profile, batch: str, file: _File, lines: Callable[[Record, Prepared], Iterable[str]]
) -> Printout:
    store.presence.require(Step.OUTPUT, (store.operator,))
    lot = store.batch(batch)
    if lot.profile_sha256 != profile.sha256:
        raise ProfileError(f"{profile.path}: not the profile batch {batch} was imported with, or changed since")
    vault = store.vault.batch(batch)
    digest = hashlib.sha256()
    cards = 0
    with replacing_bytes(file.path, private=True) as stream:

        def put(*texts: str) -> None:
            text = "".join(f"{line}\n" for line in texts).encode()
            digest.update(text)
            stream.write(text)

        put(f"{file.format} {batch}")
        for row_no, data, values in kept_records(store, lot):
            record = Record.from_canonical(profile.record, vault.open(row_no, DATA_FIELD, data))
            prepared = Prepared.from_bytes(vault.open(row_no, lot.prepare_step or "", values))
            put(f"#CARD {row_no}", *lines(record, prepared))
            cards += 1
        stream.write(f"#END {cards} {digest.hexdigest()}\n".encode())
        with store.writing() as connection:
            said = {"batch": batch, "format": file.format, "cards": cards, "sha256": digest.hexdigest()}
            store.audit(connection, OFFICE, Event("PRINT", store.operator, said))
    return Printout(file.path, cards, digest.digest())
