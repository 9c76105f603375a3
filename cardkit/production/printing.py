"""The printer's file of a batch: what stands on the plastic of each card, for the machine behind the line.

``#CARDKIT-PRINT 1 BATCH``, then for each card ``#CARD ROW`` and its fields, then ``#END COUNT SHA-256``, which covers
every byte before it. The file holds personal data and values nobody else sees: it belongs where the embosser is, only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cardkit.crypto import KeyStore
from cardkit.errors import ProfileError
from cardkit.perso import Prepared, printed
from cardkit.production.report.atomic import replacing_bytes
from cardkit.production.store.orders import DATA_FIELD
from cardkit.production.store.preparing import kept_records
from cardkit.production.store.store import Store
from cardkit.profile import Profile, Record

FORMAT = "#CARDKIT-PRINT 1"


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
    lot = store.batch(batch)
    if lot.profile_sha256 != profile.sha256:
        raise ProfileError(f"{profile.path}: not the profile batch {batch} was imported with, or changed since")
    vault = store.vault.batch(batch)
    digest = hashlib.sha256()
    cards = 0
    with replacing_bytes(out) as stream:

        def put(*lines: str) -> None:
            text = "".join(f"{line}\n" for line in lines).encode()
            digest.update(text)
            stream.write(text)

        put(f"{FORMAT} {batch}")
        for row_no, data, values in kept_records(store, lot):
            record = Record.from_canonical(profile.record, vault.open(row_no, DATA_FIELD, data))
            prepared = Prepared.from_bytes(vault.open(row_no, lot.prepare_step or "", values))
            put(f"#CARD {row_no}", *printed(profile, record, prepared, keystore))
            cards += 1
        stream.write(f"#END {cards} {digest.hexdigest()}\n".encode())
    return Printout(out, cards, digest.digest())
