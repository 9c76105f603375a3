"""The evidence pack of a batch, written from its store. production.md 21"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cardkit.errors import ProfileError
from cardkit.production.audit.checkpoints import signer_of
from cardkit.production.audit.export import export_audit
from cardkit.production.canonical import canonical
from cardkit.production.evidence.archive import AUDIT, CARDS, PROFILE_PARTS, write_pack
from cardkit.production.evidence.software import bill_of_materials
from cardkit.production.report import write_report
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
`audit.jsonl` is the audit of the whole store: a chain is proved whole or not at all.
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
        _write_cards(store, lot, folder / CARDS)
        _write_profile(lot, folder)
        (folder / SHEET).write_bytes(canonical(sheet(store, lot)) + b"\n")
        (folder / SOFTWARE).write_bytes(canonical(bill_of_materials()) + b"\n")
        (folder / "README.txt").write_bytes(_READ_ME.format(batch=batch).encode())
        export_audit(store, folder / AUDIT)
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


def _write_profile(lot: Batch, folder: Path) -> None:
    profile = load_profile(lot.profile_path)
    if profile.sha256 != lot.profile_sha256:
        raise ProfileError(f"{lot.profile_path}: not the profile batch {lot.name} was imported with, or changed since")
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
