"""What must always hold, each a query that returns no row. Run by ``batch check``, at close and by the chaos tests.

production.md 4
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, Integer, column, literal, select, text, union

from cardkit.production.store.store import Batch, Store

# name: (what is wrong, query giving row numbers; :batch is the batch's id)
QUERIES: dict[str, tuple[str, str]] = {
    "ONE_LIVE_ATTEMPT": (
        "has two live attempts",
        """select r.row_no from record r join attempt a on a.record_id = r.id
           where r.batch_id = :batch and a.state <> 'SCRAPPED' group by r.id, r.row_no having count(*) > 1""",
    ),
    "ONE_ATTEMPT_PER_CHIP": (
        "is on a chip that carries another attempt",
        """select r.row_no from record r join attempt a on a.record_id = r.id
           where r.batch_id = :batch
             and exists (select 1 from attempt b where b.chip_id = a.chip_id and b.id <> a.id)""",
    ),
    "STATES_AGREE": (
        "and its live attempt are in different states",
        """select r.row_no from record r
           left join attempt a on a.record_id = r.id and a.state <> 'SCRAPPED'
           where r.batch_id = :batch and (
             (r.state in ('READY', 'LEASED', 'CANCELLED', 'SCRAPPED') and a.id is not null)
             or (r.state in ('BOUND', 'GOOD', 'IN_DOUBT', 'REJECTED', 'LOST')
                 and (a.id is null or a.state <> r.state)))""",
    ),
    "GOOD_IS_PROVED": (
        "is GOOD without evidence, or with another profile than the batch's",
        """select r.row_no from record r join attempt a on a.record_id = r.id
           join batch b on b.id = r.batch_id
           where r.batch_id = :batch and a.state = 'GOOD'
             and (a.evidence_sha256 is null or length(a.evidence_sha256) <> 32
                  or a.profile_sha256 <> b.profile_sha256)""",
    ),
    "ONE_BIND_EVENT": (
        "has not exactly one BIND event for each attempt",
        """select r.row_no from record r
           left join (select record_id, count(*) as n from attempt group by record_id) a on a.record_id = r.id
           left join (select record_id, count(*) as n from audit where kind in ('BIND', 'BIND_REPLAYED')
                      group by record_id) e on e.record_id = r.id
           where r.batch_id = :batch and coalesce(a.n, 0) <> coalesce(e.n, 0)""",
    ),
    "STATE_IS_AUDITED": (
        "is in a state no audit event led to",
        """select r.row_no from record r
           left join (
             select distinct record_id, case
               when kind in ('BIND', 'RESUME') then 'BOUND'
               when kind in ('DOUBT', 'BIND_REPLAYED') then 'IN_DOUBT'
               when kind in ('REJECT', 'RECALL') then 'REJECTED'
               when kind = 'SCRAP' then 'SCRAPPED'
               when kind = 'CANCEL' then 'CANCELLED'
               else kind end as state
             from audit where record_id is not null) e
             on e.record_id = r.id and (e.state = r.state or e.state = 'RESOLVE' and r.state in ('GOOD', 'REJECTED'))
           where r.batch_id = :batch and r.state not in ('READY', 'LEASED') and e.record_id is null""",
    ),
    "PREDECESSOR_SCRAPPED": (
        "was re-made while its earlier card was not scrapped",
        """select r.row_no from record r join attempt a on a.record_id = r.id
           join attempt p on p.id = a.predecessor_id
           where r.batch_id = :batch and (p.state <> 'SCRAPPED' or p.record_id <> a.record_id)""",
    ),
    "BUSINESS_KEYS": (
        "has not as many business keys as the other records of its batch",
        """select r.row_no from record r
           left join (select record_id, count(*) as n from record_key group by record_id) k on k.record_id = r.id
           where r.batch_id = :batch and coalesce(k.n, 0) <> (
             select max(n) from (select count(*) as n from record_key j join record o on o.id = j.record_id
                                 where o.batch_id = :batch group by o.id
                                 union all select 0) counted)""",
    ),
    "KIND_AGREES": (
        "has an attempt of another kind (TEST, LIVE) than the store",
        """select r.row_no from record r join attempt a on a.record_id = r.id
           join batch b on b.id = r.batch_id cross join store s
           where r.batch_id = :batch and b.kind <> s.kind""",
    ),
}

# One statement for all, so that a check costs little more than what it reads.
_ALL_QUERIES = union(
    *(
        select(literal(name).label("name"), text(query).columns(column("row_no", Integer)).subquery(name).c.row_no)
        for name, (_, query) in QUERIES.items()
    )
).order_by("name", "row_no")
COUNT_QUERY = "select count(*) from record where batch_id = :batch"
SCRAP_QUERY = """select r.row_no, e.event from record r join audit e on e.record_id = r.id
                 where r.batch_id = :batch and e.kind = 'SCRAP'"""


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold.

    :param record_no: row number of the record it was seen on, None where it is about the batch or the audit.
    """

    invariant: str
    text: str
    record_no: int | None = None


def _scrapped_by_too_few(connection: Connection, lot: Batch, persons: int) -> list[Violation]:
    return [
        Violation("SCRAP_PERSONS", f"record {row.row_no} was scrapped by fewer than {persons} persons", row.row_no)
        for row in connection.execute(text(SCRAP_QUERY), {"batch": lot.id})
        if len(set(json.loads(row.event)["data"]["by"])) < persons
    ]


def check_records(store: Store, lot: Batch) -> list[Violation]:
    """Run every invariant over one batch."""
    with store.reading() as connection:
        rows = connection.execute(_ALL_QUERIES, {"batch": lot.id}).all()
        found = [Violation(row.name, f"record {row.row_no} {QUERIES[row.name][0]}", row.row_no) for row in rows]
        count = connection.scalar(text(COUNT_QUERY), {"batch": lot.id})
        found += _scrapped_by_too_few(connection, lot, store.terms.persons)
    if count != lot.imported:
        found.append(Violation("RECORDS_COMPLETE", f"{count} records, but {lot.imported} were imported"))
    return found


def check_audit(store: Store) -> list[Violation]:
    """Recompute every audit chain."""
    return [
        Violation(f"AUDIT_{finding.code}", f"audit chain {chain}: {finding.code} at event {finding.seq}")
        for chain, finding in store.verify_chains()
    ]
