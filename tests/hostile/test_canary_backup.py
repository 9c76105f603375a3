"""What an administrator takes away, a backup, a dump, an export, holds cells and no key to them (D8)."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cardkit.errors import KeyStoreError
from cardkit.production.store import Store, open_store, start_session
from cardkit.production.store.orders import DATA_FIELD
from cardkit.production.store.reading import sealed_records
from tests.hostile.canaries import places, search
from tests.hostile.test_canary import PROFILE, Plant, open_plant

pytestmark = pytest.mark.requirement("D8")

STORE = ("--store", "sqlite:///plant.db", "--operator", "ana")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """Good cards and refused rows; then what an administrator takes away."""
    plant = open_plant(tmp_path_factory.mktemp("backup"), 8)
    plant.run("import", "batch", "import", PROFILE, "{out}/order.csv", *STORE)
    plant.run("run", "batch", "run", "order", *STORE, "--reader", "virtual:usim", "--limit", "2")
    plant.run("audit", "audit", "export", "--out", "audit.jsonl", *STORE)
    taken = plant.inside / "taken"
    taken.mkdir()
    with closing(sqlite3.connect(plant.inside / "plant.db")) as here, closing(sqlite3.connect(taken / "a.db")) as there:
        here.backup(there)
        (taken / "dump.sql").write_text("\n".join(there.iterdump()), "utf-8")
    shutil.copytree(plant.inside / "plant.db.journals", taken / "a.db.journals")
    shutil.copy(plant.inside / "audit.jsonl", taken)
    return plant


def opened(store: Store) -> bytes:
    """The clear record of the next card."""
    lot = store.batch("order")
    (claim,) = start_session(store, "s1")[0].claim(lot.name, 1, 60)
    sealed = sealed_records(store, lot, [claim.record_id])[claim.record_id]
    return store.vault.batch(lot.name).open(claim.row_no, DATA_FIELD, sealed.data)


def restored(plant: Plant, folder: Path) -> str:
    shutil.copy(plant.inside / "taken/a.db", folder / "a.db")
    return f"sqlite:///{folder / 'a.db'}"


def test_nothing_planted_is_in_what_is_taken_away(plant: Plant) -> None:
    assert [name for name in ("import", "run", "audit") if plant.codes[name]] == []
    assert search(places(plant.inside / "taken"), plant.needles) == []


def test_what_is_public_is_found_there(plant: Plant) -> None:
    """The search reads what is there: chips are no secret."""
    with closing(sqlite3.connect(plant.inside / "plant.db")) as store:
        chip = str(store.execute("select chip_id from attempt where state = 'GOOD'").fetchone()[0])
    found = {hit.place for hit in search(places(plant.inside / "taken"), {"chip": {"text": chip.encode()}})}
    assert {"a.db", "dump.sql"} <= found


def test_a_value_that_were_in_clear_would_be_found(plant: Plant, tmp_path: Path) -> None:
    value = next(iter(plant.needles["ki of row 1"].values()))
    with closing(sqlite3.connect(Path(shutil.copy(plant.inside / "taken/a.db", tmp_path)))) as store, store:
        store.execute("update record set data_enc = ? where row_no = 1", (value,))
    assert "ki of row 1" in {hit.canary for hit in search(places(tmp_path), plant.needles)}


def test_a_backup_opens_no_record_without_the_keys_beside_the_store(plant: Plant, tmp_path: Path) -> None:
    url = restored(plant, tmp_path)
    with open_store(url, operator="ana") as store, pytest.raises(KeyStoreError, match="key file is missing"):
        opened(store)


def test_a_backup_opens_its_records_with_them(plant: Plant, tmp_path: Path) -> None:
    url = restored(plant, tmp_path)
    shutil.copy(plant.inside / "plant.db.key", tmp_path / "a.db.key")
    shutil.copytree(plant.inside / "plant.db.keys", tmp_path / "a.db.keys")
    with open_store(url, operator="ana") as store:
        clear = opened(store)
    assert {hit.canary for hit in search([("record", clear)], plant.needles)} >= {"ki of row 3", "imsi of row 3"}
