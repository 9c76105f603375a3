"""A closed batch of four cards of the test USIM, and its pack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.crypto import auditsign
from cardkit.production.audit.checkpoints import signer_of
from cardkit.production.batch import close_batch
from cardkit.production.evidence.pack import write_evidence
from cardkit.production.reconcile import CardCounts
from cardkit.production.store import Card, Office, Store, Work, open_store, start_session
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.reading import FINDINGS_FIELD, record_id_of
from cardkit.profile import load_profile, read_order
from tests.unit.production.founding import REPLACED

BATCH = "B-1"
WRONG = {
    "rule": "UICC-030", "severity": "E", "clause": "TS 31.102 4.2.8", "where": "ADF.USIM/EF.UST",
    "expected": "9EEBA0", "actual": "9EE9A0", "decoded": "service 10 is off",
}  # fmt: skip


def add_cards(store: Store) -> None:
    """Two good cards, one scrapped, one cancelled."""
    profile = load_profile("sim/usim-test")
    order = read_order(profile, profile.path.parent / "order.csv", profile.test_keystore())
    digests = profile.sha256, b"\x22" * 32
    new = NewBatch(BATCH, profile.name, profile.version, str(profile.path), *digests, "order.csv", b"\x33" * 32)
    chosen = list(order.records)[:4]
    add_batch(store, new, [NewRecord(r.row_no, bytes(r.to_canonical()), r.business_keys()) for r in chosen])
    lot = store.batch(BATCH)
    session, _ = start_session(store, "station-1")
    for claim in session.claim(BATCH, 3, 60.0):
        card = Card(claim.record_id, claim.token, f"chip-{claim.row_no}")
        session.bind(lot, card)
        if claim.row_no == 2:
            cell = store.vault.batch(BATCH).seal(2, FINDINGS_FIELD, json.dumps([WRONG]).encode())
            session.reject(lot, card, "DATA_READBACK", "data", Work(findings_enc=cell))
        else:
            session.commit(lot, card, bytes([claim.row_no]) * 32, Work(facts=REPLACED, apply_ms=600, verify_ms=300))
    Office(store, lot, ("ana",)).scrap(record_id_of(store, lot, 2), "D-1")
    Office(store, lot, ("ana",)).cancel(record_id_of(store, lot, 4))


@pytest.fixture(scope="session")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("plant")
    with open_store(f"sqlite:///{folder / 'plant.db'}", operator="ana", create=True) as store:
        add_cards(store)
        assert close_batch(store, BATCH, CardCounts(issued=3, good=2, rejected_personalized=1)).closable
        yield store


@pytest.fixture(scope="session")
def public(plant: Store) -> bytes:
    return auditsign.public_key(auditsign.to_pem(signer_of(plant).public))


@pytest.fixture(scope="session")
def pack(plant: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_evidence(plant, BATCH, tmp_path_factory.mktemp("pack") / "b1.zip").path
