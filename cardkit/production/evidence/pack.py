"""The evidence pack of a batch, written from its store. production.md 21"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from cardkit.errors import ProfileError, StoreError
from cardkit.production.audit.checkpoints import signer_of
from cardkit.production.batch import close_batch
from cardkit.production.canonical import canonical
from cardkit.production.evidence.archive import AUDIT, CARDS, PROFILE_PARTS, write_pack
from cardkit.production.evidence.extract import export_extract
from cardkit.production.evidence.software import bill_of_materials
from cardkit.production.reconcile import CardCounts, Closing
from cardkit.production.report import print_report, write_report
from cardkit.production.report.source import batch_report, counted_cards
from cardkit.production.store import Batch, Store, reading
from cardkit.production.store.audit import OFFICE, Event, timestamp
from cardkit.profile.load import Profile, listed, load_profile

SHEET, SOFTWARE, PROFILE = "reconciliation.json", "software.cdx.json", "profile"
CARD_COLUMNS = ("row", "chip", "verdict", "evidence_sha256")

_READ_ME = """\
Evidence of batch {batch}. Verify it on any machine, without the store it came from:

    cardkit batch evidence --verify THIS.zip --key PUB

PUB is the public key of the audit, handed over by another way than this file (`cardkit audit key`).
`audit.jsonl` is what proves this batch: all events from a signed checkpoint before each of its own to the one after it,
and all checkpoints of these chains, each of which names the one before it. What lies between these stretches is left
out; events of other batches inside them are not, for a hash covers the event before it (`cardkit audit verify`).
`profile/files.sha256` lists the files of the profile; its SHA-256 is the profile's digest. Files that a profile brings
along besides its own tables are listed there and not packed.
"""


@dataclass(frozen=True, slots=True)
class Packed:
    """An evidence pack.

    :param sha256: of the file, lower hex.  :param state: of the batch when it was packed.
    """

    path: Path
    batch: str
    state: str
    sha256: str


def close_with_evidence(
    store: Store, batch: str, cards: CardCounts | None = None, out: Path | None = None
) -> tuple[Closing, Packed | None]:
    """Close a batch and write its evidence pack.

    :param cards: as counted by hand; None takes the store's own counts, which proves nothing about the cards.
    :param out: where the pack goes; None for a folder beside the store.
    :returns: no pack where the batch stays open.
    :raises ProfileError: when the batch's profile is not there any more as it was at import; it stays open then.
    :raises StoreError: when the pack cannot be written; the batch is closed then, and can be packed later.
    """
    lot = store.batch(batch)
    closing = close_batch(store, batch, cards, ready=lambda: _profile_of(lot))
    if not closing.closable:
        return closing, None
    return closing, write_evidence(store, batch, out or _beside(store, batch))


def _beside(store: Store, batch: str) -> Path:
    folder = store.path.with_name(f"{store.path.name}.evidence")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made, {error.strerror or error}") from error
    return folder / f"{quote(batch, safe=' ')}.zip"


def write_evidence(store: Store, batch: str, out: Path) -> Packed:
    """Write the evidence pack of a batch.

    :param out: takes the file's place when it is whole.
    :raises ProfileError: when the batch's profile is not there any more as it was at import.
    :raises KeyStoreError: when the key that signs is not there, or the batch was purged.
    :raises StoreError: when there is no such batch, or the pack cannot be written.
    """
    lot = store.batch(batch)
    signer = signer_of(store)
    with TemporaryDirectory(prefix="cardkit-evidence-") as name:
        folder = Path(name)
        write_report(batch_report(store, batch), folder)
        print_report(batch_report(store, batch), folder)
        _write_cards(store, lot, folder / CARDS)
        _write_profile(lot, folder)
        (folder / SHEET).write_bytes(canonical(sheet(store, lot)) + b"\n")
        (folder / SOFTWARE).write_bytes(canonical(bill_of_materials()) + b"\n")
        (folder / "README.txt").write_bytes(_READ_ME.format(batch=batch).encode())
        export_extract(store, lot, folder / AUDIT)
        digest = write_pack(out, folder, _about(store, lot), signer)
    with store.writing() as connection:
        data = {"batch": batch, "state": lot.state.value, "sha256": digest}
        store.audit(connection, OFFICE, Event("EVIDENCE", store.operator, data))
    return Packed(out, batch, lot.state.value, digest)


def _about(store: Store, lot: Batch) -> dict[str, Any]:
    profile = {"name": lot.profile, "version": lot.profile_version, "sha256": lot.profile_sha256.hex()}
    return {
        "installation": store.terms.installation,
        "kind": lot.kind,
        "batch": lot.name,
        "state": lot.state.value,
        "at": timestamp(store.clocks.wall()),
        "by": store.operator,
        "profile": profile,
    }


def _write_cards(store: Store, lot: Batch, path: Path) -> None:
    """One line a card: its chip's keyed digest, its verdict, and the digest of what was verified on it."""
    with path.open("w", encoding="ascii", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(CARD_COLUMNS)
        for card in reading.results(store, lot):
            lines.writerow((card.record_no, card.chip_ref, card.verdict, card.evidence_sha256 or ""))


def _profile_of(lot: Batch) -> Profile:
    profile = load_profile(lot.profile_path)
    if profile.sha256 != lot.profile_sha256:
        raise ProfileError(f"{lot.profile_path}: not the profile batch {lot.name} was imported with, or changed since")
    return profile


def _write_profile(lot: Batch, folder: Path) -> None:
    profile = _profile_of(lot)
    for label, content in _own_tables(profile).items():
        path = folder / PROFILE / label
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / PROFILE_PARTS).write_bytes(listed(profile.parts).encode())


def _own_tables(profile: Profile) -> Mapping[str, bytes]:
    """Return the TOML files of a profile; files it brings along besides may hold what is not for everybody."""
    tables = {part.label: part.path.read_bytes() for part in profile.parts if part.path.suffix == ".toml"}
    for part in profile.parts:
        if part.label in tables and hashlib.sha256(tables[part.label]).hexdigest() != part.sha256:
            raise ProfileError(f"{part.path}: changed while it was read")
    return tables


def sheet(store: Store, lot: Batch) -> dict[str, Any]:
    """Return the reconciliation of a batch: cards as they were counted at its close, and records as the store has them.

    :returns: ``cards`` is None while the batch is not closed.
    """
    cards = counted_cards(store, lot)
    return {
        "batch": lot.name,
        "state": lot.state.value,
        "cards": None if cards is None else asdict(cards),
        "equation": None if cards is None else cards.equation,
        "difference": None if cards is None else cards.difference,
        "rows_in_file": lot.rows,
        "imported": lot.imported,
        "quarantined": reading.quarantine_count(store, lot),
        "records": reading.counts(store, lot),
        "rejects": dict(reading.reject_counts(store, lot)),
        "cards_rejected_before_bind": reading.blank_reject_count(store, lot),
    }
