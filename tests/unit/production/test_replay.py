"""Journals against the store: what a copy forgot comes back in doubt, and nothing is claimed before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cardkit.errors import BatchHeldError, StoreError
from cardkit.production.events import JournalReplayed
from cardkit.production.journal import Journal, journal_files
from cardkit.production.replay import replay_journals
from cardkit.production.store import Clocks, Office, start_session
from cardkit.production.store.sqlite import SQLiteDatabase
from cardkit.production.store.store import create_or_open

MakePlant = Callable[..., Any]


def copy(store: Any, name: str) -> Path:
    """A backup of the database file, as a careful administrator makes it."""
    with store.writing() as connection:
        connection.execute(text("select 1"))
    target = store.path.with_name(name)
    with store.database.engine.connect() as connection:
        connection.connection.driver_connection.execute("vacuum into ?", (str(target),))
    return target


def restore(plant: Any, backup: Path) -> None:
    plant.store.close()
    for path in plant.store.path.parent.glob("store.db*"):
        if path.suffix in (".db-wal", ".db-shm"):
            path.unlink()
    shutil.copy(backup, plant.store.path)


def reopen(plant: Any, *, recovered: bool = False) -> None:
    clocks = plant.store.clocks
    plant.store = create_or_open(
        SQLiteDatabase(plant.store.path),
        "ana",
        persons=1,
        recovered=recovered,
        clocks=Clocks(clocks.lease, clocks.wall),
    )


def test_binds_a_restored_copy_forgot_come_back_in_doubt(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"], records=4)
    plant.run(limit=1)
    backup = copy(plant.store, "backup.db")
    plant.run(limit=2)
    restore(plant, backup)
    reopen(plant)
    assert list(plant.states().values()) == ["GOOD", "READY", "READY", "READY"]
    plant.world.waiting.extend(["c8", "c9"])

    plant.run()

    assert plant.states() == {1: "GOOD", 2: "IN_DOUBT", 3: "IN_DOUBT", 4: "GOOD"}
    replayed = [event for event in plant.events if isinstance(event, JournalReplayed)]
    assert [(event.sessions, event.binds) for event in replayed] == [(1, 2)]
    with plant.store.reading() as connection:
        late = connection.execute(text("select late_verdict from attempt where state = 'IN_DOUBT'")).scalars().all()
    assert late == ["GOOD", "GOOD"]
    plant.check()


def test_after_a_declared_restore_nothing_is_claimed_without_the_journals(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"])
    plant.run(limit=1)
    backup = copy(plant.store, "backup.db")
    plant.run(limit=1)
    restore(plant, backup)
    shutil.rmtree(plant.store.journals)
    reopen(plant, recovered=True)

    with pytest.raises(BatchHeldError, match="the journal of s1 was not replayed"):
        plant.run()
    assert "c3" not in plant.world.written

    Office(plant.store, plant.store.batch("B-1"), ("ana",)).write_off("s1")
    plant.run()
    assert "GOOD" in plant.states().values()


def test_after_a_declared_restore_the_journals_are_enough(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"])
    plant.run(limit=1)
    backup = copy(plant.store, "backup.db")
    plant.run(limit=1)
    restore(plant, backup)
    reopen(plant, recovered=True)
    plant.run()
    assert plant.states() == {1: "GOOD", 2: "IN_DOUBT", 3: "GOOD"}
    plant.check()


def session_entry(store: Any, session_id: str) -> dict[str, str]:
    return {
        "installation": store.terms.installation,
        "epoch": store.terms.epoch,
        "batch": "B-1",
        "station": "s1",
        "session": session_id,
    }


def crashed(plant: Any, *entries: dict[str, Any]) -> None:
    """Leave the journal of a session that claimed two records and died."""
    session, _ = start_session(plant.store, "s1")
    session.claim("B-1", 2, 60)
    journal = Journal(plant.store.journals / f"{session.id}.journal", session_entry(plant.store, session.id))
    for entry in entries:
        journal.append(entry)
    journal.sync()
    journal.close()


BIND = {"event": "bind", "record": 1, "token": 1, "chip": "c1", "coupler": 1}


def test_power_between_journal_and_store_leaves_a_doubt_not_a_second_card(make_plant: MakePlant) -> None:
    plant = make_plant(["c7", "c8", "c9"])
    crashed(plant, BIND)
    plant.run()
    assert plant.states() == {1: "IN_DOUBT", 2: "GOOD", 3: "GOOD"}
    plant.check()


def test_a_bind_the_store_refused_is_no_bind(make_plant: MakePlant) -> None:
    plant = make_plant(["c7", "c8", "c9"])
    crashed(plant, BIND, {"event": "refused", "record": 1, "token": 1, "chip": "c1", "code": "FENCED"})
    plant.run()
    assert set(plant.states().values()) == {"GOOD"}


def test_a_journal_is_replayed_once(make_plant: MakePlant) -> None:
    plant = make_plant(["c7", "c8", "c9"])
    crashed(plant, BIND)
    session, _ = start_session(plant.store, "s1")
    assert replay_journals(plant.store, session).binds == 1
    assert replay_journals(plant.store, session).sessions == 0


def test_a_torn_tail_is_told_and_a_damaged_journal_stops_the_station(make_plant: MakePlant) -> None:
    plant = make_plant(["c7", "c8", "c9"])
    crashed(plant, BIND, BIND | {"record": 2, "chip": "c2"})
    (path,) = journal_files(plant.store.journals)
    data = path.read_bytes()
    path.write_bytes(data[:-3])
    session, _ = start_session(plant.store, "s1")
    assert replay_journals(plant.store, session).torn_bytes > 0
    path.with_name("damaged.journal").write_bytes(data.replace(b"c1", b"c3"))
    with pytest.raises(StoreError, match="journal is damaged"):
        plant.run()


def test_a_journal_of_another_store_is_refused(make_plant: MakePlant) -> None:
    plant = make_plant(["c7"])
    entry = session_entry(plant.store, "x") | {"installation": "elsewhere"}
    Journal(plant.store.journals / "x.journal", entry).close()
    with pytest.raises(StoreError, match="journal of another store"):
        plant.run()


def test_an_empty_journal_is_put_away(make_plant: MakePlant) -> None:
    plant = make_plant(["c7", "c8", "c9"])
    plant.store.journals.mkdir()
    (plant.store.journals / "x.journal").write_bytes(b"\0\0")
    plant.run()
    assert set(plant.states().values()) == {"GOOD"}


def test_other_stations_of_the_same_file_are_dead_and_fenced(make_plant: MakePlant) -> None:
    plant = make_plant(["c1", "c2", "c3"], c1="torn")
    other, _ = start_session(plant.store, "old name")
    claims = other.claim("B-1", 1, 3600)
    assert [claim.row_no for claim in claims] == [1]
    plant.run()
    assert list(plant.states().values()) == ["IN_DOUBT", "GOOD", "GOOD"]
