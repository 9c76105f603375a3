"""Every invariant is seen to fail: the database's own guards are taken away and the data broken by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from cardkit.production import check_batch
from cardkit.production.store import Office

MakePlant = Callable[..., Any]

COPY = """insert into attempt (record_id, token, chip_id, session, station, coupler, state, profile_sha256,
 keyset_sha256, software, evidence_sha256, predecessor_id, bound_at) select {record}, {token}, {chip}, session, station,
 coupler, {state}, profile_sha256, keyset_sha256, software, evidence_sha256, {predecessor}, bound_at
 from attempt where record_id = 1"""


def copied(**values: str) -> str:
    return COPY.format(
        **{"record": "1", "token": "9", "chip": "'c9'", "state": "'GOOD'", "predecessor": "null"} | values
    )


BREAK = {
    "ONE_LIVE_ATTEMPT": ["drop index attempt_one_live", copied()],
    "ONE_ATTEMPT_PER_CHIP": ["writable", copied(record="2", chip="chip_id || ''")],
    "STATES_AGREE": ["drop trigger record_step", "update record set state = 'REJECTED' where id = 1"],
    "GOOD_IS_PROVED": ["drop trigger attempt_step", "update attempt set profile_sha256 = x'00'"],
    "ONE_BIND_EVENT": ["drop trigger audit_delete", "delete from audit where kind = 'BIND'"],
    "STATE_IS_AUDITED": ["drop trigger audit_delete", "delete from audit where kind = 'GOOD'"],
    "PREDECESSOR_SCRAPPED": [
        "drop index attempt_one_live",
        copied(predecessor="(select min(id) from attempt)", record="2", state="'BOUND'"),
    ],
    "BUSINESS_KEYS": ["delete from record_key where record_id = 2"],
    "KIND_AGREES": ["update batch set kind = 'LIVE'"],
    "RECORDS_COMPLETE": ["delete from record_key where record_id = 3", "delete from record where id = 3"],
    "AUDIT_HASH": [
        "drop trigger audit_update",
        "update audit set event = replace(event, 'c1', 'c2') where kind = 'BIND'",
    ],
    "AUDIT_HEAD": [
        "drop trigger audit_delete",
        "delete from audit where chain = 's1' and seq = (select max(seq) from audit where chain = 's1')",
    ],
}


def without_unique_chips(connection: Any) -> None:
    """Make the attempts a table that takes one chip twice, as a console with enough rights could."""
    sql = connection.execute(text("select sql from sqlite_master where name = 'attempt'")).scalar_one()
    for trigger in ("attempt_step", "attempt_delete"):
        connection.execute(text(f"drop trigger {trigger}"))
    connection.execute(text("alter table attempt rename to attempt_before"))
    connection.execute(text(sql.replace("UNIQUE (chip_id)", "CHECK (true)")))
    connection.execute(text("insert into attempt select * from attempt_before"))
    connection.execute(text("drop table attempt_before"))


@pytest.mark.requirement("L5")
@pytest.mark.parametrize("invariant", BREAK)
def test_a_broken_invariant_is_named(make_plant: MakePlant, invariant: str) -> None:
    plant = make_plant(["c1"], records=3)
    plant.run(limit=1)
    assert check_batch(plant.store) == []
    with plant.store.writing() as connection:
        for statement in BREAK[invariant]:
            if statement == "writable":
                without_unique_chips(connection)
            else:
                connection.execute(text(statement))
    assert invariant in {violation.invariant for violation in check_batch(plant.store)}


def test_a_card_scrapped_by_one_person_is_found_in_a_store_of_two(make_plant: MakePlant) -> None:
    plant = make_plant(["c1"], c1="bad NVM_6581 dead")
    plant.run(limit=1)
    Office(plant.store, plant.store.batch("B-1"), ("ana",)).scrap(1, "D-1")
    with plant.store.writing() as connection:
        connection.execute(text("update store set persons = 2"))
    plant.store.terms = type(plant.store.terms)(**{**_fields(plant.store.terms), "persons": 2})
    assert [violation.invariant for violation in check_batch(plant.store)] == ["SCRAP_PERSONS"]


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
