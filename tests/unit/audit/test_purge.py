"""A purged batch opens no more, not even from a backup of its database, and the audit stays whole (D3, L8)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text

from cardkit.errors import AuthenticationError, IllegalStepError, KeyStoreError, RecordError
from cardkit.production.audit.checkpoints import signer_of
from cardkit.production.audit.export import verify_store
from cardkit.production.audit.report import read_report
from cardkit.production.purge import purge_batch
from cardkit.production.store import Office, Store, open_store
from cardkit.production.store.invariants import check_records
from cardkit.production.store.orders import BadRecord, NewBatch, NewRecord, add_batch
from cardkit.production.store.schema import BatchState, record

NAME = "a name nobody may read"


def named_batch(store: Store, batch: str, iccid: str) -> None:
    new = NewBatch(
        name=batch,
        profile="usim",
        profile_version=1,
        profile_path="profile",
        profile_sha256=b"\x11" * 32,
        keyset_sha256=b"\x22" * 32,
        source_name="order.csv",
        source_sha256=batch.encode().ljust(32, b"\1"),
        prepare_step="perso",
    )
    rows = [
        NewRecord(1, NAME.encode(), {"iccid": iccid}, prepared=b"prepared"),
        BadRecord(2, 3, "name", "LENGTH", NAME),
    ]
    add_batch(store, new, rows)


def closed(store: Store, batch: str) -> None:
    with store.writing() as connection:
        connection.execute(text("update batch set state = 'CLOSED' where name = :name"), {"name": batch})


def cell(store: Store, batch: str) -> bytes:
    with store.reading() as connection:
        found = connection.scalar(select(record.c.data_enc).where(record.c.batch_id == store.batch(batch).id))
    assert found is not None
    return bytes(found)


@pytest.fixture
def plant(make_store: Callable[..., Store]) -> Store:
    """Two batches, of which one is closed."""
    store = make_store()
    named_batch(store, "B-1", "8901")
    named_batch(store, "B-2", "8902")
    closed(store, "B-1")
    return store


def purge(store: Store, batch: str = "B-1") -> Path:
    return purge_batch(store, batch, ("ana",), store.path.with_name("report.json")).report


@pytest.mark.requirement("D3")
def test_a_purged_batch_opens_no_more_and_the_others_do(plant: Store) -> None:
    before = cell(plant, "B-1")
    assert plant.vault.batch("B-1").open(1, "record", before) == NAME.encode()
    purge(plant)
    assert plant.batch("B-1").state is BatchState.PURGED
    with pytest.raises(KeyStoreError, match="the key of batch B-1 is missing: it was purged"):
        plant.vault.batch("B-1")
    assert plant.vault.batch("B-2").open(1, "record", cell(plant, "B-2")) == NAME.encode()
    plant.vault.sealing_keys("B-1")  # even a new key of that name opens nothing
    with pytest.raises(KeyStoreError):
        plant.vault.batch("B-1").open(1, "record", before)


@pytest.mark.requirement("D8")
@pytest.mark.requirement("D3")
def test_a_backup_of_the_database_from_before_opens_no_more(plant: Store, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()
    with plant.writing() as connection:
        connection.execute(text("select 1"))
    for name in ("plant.db", "plant.db-wal", "plant.db.key"):
        shutil.copy(tmp_path / name, backup / name)
    purge(plant)
    shutil.copytree(tmp_path / "plant.db.keys", backup / "plant.db.keys")
    with open_store(f"sqlite:///{backup / 'plant.db'}", operator="eve") as stolen:
        assert len(cell(stolen, "B-1")) > len(NAME)
        with pytest.raises(KeyStoreError, match="the key of batch B-1 is missing"):
            stolen.vault.batch("B-1")
        assert stolen.vault.batch("B-2").open(1, "record", cell(stolen, "B-2")) == NAME.encode()


@pytest.mark.requirement("D3")
def test_no_cell_is_left_in_any_page_of_the_database(plant: Store, tmp_path: Path) -> None:
    with plant.reading() as connection:
        cells = [
            bytes(found)
            for sql in (
                "select data_enc from record",
                "select data_enc from prepared",
                "select detail_enc from quarantine",
            )
            for found in connection.scalars(text(f"{sql} limit 1"))
        ]
    assert all(
        any(one[16:] in path.read_bytes() for path in tmp_path.glob("plant.db*") if path.is_file()) for one in cells
    )
    purge(plant)
    for path in tmp_path.glob("plant.db*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(one[16:] in content for one in cells), path.name


@pytest.mark.requirement("D3")
def test_the_report_is_signed_and_says_what_was_done(plant: Store) -> None:
    path = purge(plant)
    public = signer_of(plant).public
    said = read_report(path, public)
    assert said is not None
    assert (said["type"], said["batch"], said["by"], said["key_destroyed"]) == ("purge", "B-1", ["ana"], True)
    assert said["emptied"] == {"records": 1, "prepared": 1, "findings": 0, "quarantined": 1}
    assert said["kept"] == {"records": 1, "attempts": 0, "business_key_digests": 1}
    assert NAME not in path.read_text()
    document = json.loads(path.read_text())
    document["report"]["by"] = ["eve"]
    path.write_text(json.dumps(document))
    with pytest.raises(AuthenticationError, match="was changed"):
        read_report(path, public)
    document["statement"] = document["statement"].replace("ana", "eve")
    path.write_text(json.dumps(document))
    with pytest.raises(AuthenticationError, match="was changed"):
        read_report(path, public)


@pytest.mark.requirement("L8")
@pytest.mark.requirement("D3")
def test_the_audit_stays_whole_and_counts_stay(plant: Store) -> None:
    before = [link.event for link in plant.audit_events("office")]
    purge(plant)
    after = [link.event for link in plant.audit_events("office")]
    assert after[: len(before)] == before
    assert [link.kind for link in plant.audit_events("office")][len(before) :] == ["PURGE", "PURGE_DONE"]
    assert verify_store(plant).findings == []
    assert verify_store(plant).checkpoints["office"] == 1
    assert check_records(plant, plant.batch("B-1")) == []


@pytest.mark.requirement("P9")
def test_identities_of_a_purged_batch_are_never_used_again(plant: Store) -> None:
    purge(plant)
    with pytest.raises(RecordError, match="imported before") as caught:
        named_batch(plant, "B-3", "8901")
    assert caught.value.code == "HISTORY"


def test_an_interrupted_purge_is_finished_by_another(plant: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(self: object, batch: str) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cardkit.production.store.vault.Vault.destroy", killed)
        with pytest.raises(KeyboardInterrupt):
            purge(plant)
    assert plant.batch("B-1").state is BatchState.PURGED
    plant.vault.batch("B-1")
    said = read_report(purge(plant), signer_of(plant).public)
    assert said is not None
    assert (said["key_destroyed"], said["emptied"]["records"]) == (True, 0)
    with pytest.raises(KeyStoreError, match="it was purged"):
        plant.vault.batch("B-1")


def test_only_a_closed_batch_is_purged(plant: Store) -> None:
    with pytest.raises(IllegalStepError, match="a purge needs it CLOSED, it is OPEN"):
        purge(plant, "B-2")
    assert plant.vault.batch("B-2").open(1, "record", cell(plant, "B-2")) == NAME.encode()


def test_names_that_differ_by_their_case_have_different_keys(make_store: Callable[..., Store]) -> None:
    store = make_store()
    named_batch(store, "b-1", "8901")
    named_batch(store, "B-1", "8902")
    keys = sorted(path.name.casefold() for path in store.path.with_name("plant.db.keys").iterdir())
    assert len(set(keys)) == 2
    assert Office(store, store.batch("b-1"), ("ana",)).lot.name == "b-1"
