"""Tables, constraints and triggers of the first store.

The code checks; the database refuses. Both, because the second one also holds for a future bug, a console, and a
restored backup. production.md 4
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

RECORD_STATES = ("READY", "LEASED", "BOUND", "GOOD", "IN_DOUBT", "REJECTED", "SCRAPPED", "LOST", "CANCELLED")
ATTEMPT_STATES = ("BOUND", "GOOD", "IN_DOUBT", "REJECTED", "SCRAPPED", "LOST")
BATCH_STATES = ("DRAFT", "APPROVED", "OPEN", "HELD", "CLOSED", "PURGED")

# The arrows of production.md 3, claims of an expired lease (LEASED to LEASED) included.
ARROWS = (
    ("READY", "LEASED"),
    ("LEASED", "LEASED"),
    ("LEASED", "READY"),
    ("LEASED", "BOUND"),
    ("READY", "CANCELLED"),
    ("REJECTED", "SCRAPPED"),
    ("SCRAPPED", "READY"),
    ("BOUND", "GOOD"),
    ("BOUND", "REJECTED"),
    ("BOUND", "IN_DOUBT"),
    ("IN_DOUBT", "BOUND"),
    ("IN_DOUBT", "GOOD"),
    ("IN_DOUBT", "REJECTED"),
    ("IN_DOUBT", "LOST"),
    ("REJECTED", "LOST"),
    ("GOOD", "REJECTED"),
)

NO_ARROW = "not exists (select 1 from transition where from_state = old.state and to_state = new.state)"
RECORD_STEP = f"""new.token < old.token
    or (new.token = old.token and new.state <> old.state and {NO_ARROW})
    or (new.token > old.token and not (old.state in ('READY', 'LEASED') and new.state = 'LEASED'))"""
ATTEMPT_STEP = f"""new.chip_id <> old.chip_id or new.record_id <> old.record_id or new.token <> old.token
    or (new.state <> old.state and {NO_ARROW})"""


def _big() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _in(column: str, values: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(value) for value in values)})"


metadata = sa.MetaData()

sa.Table(
    "store",
    metadata,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1"), primary_key=True),
    sa.Column("installation", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, sa.CheckConstraint("kind in ('TEST', 'LIVE')"), nullable=False),
    sa.Column("persons", sa.Integer, sa.CheckConstraint("persons in (1, 2)"), nullable=False),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("key_check", sa.LargeBinary, nullable=False),
    sa.CheckConstraint("kind <> 'LIVE' or persons = 2"),
)
sa.Table(
    "station",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("epoch", sa.Text, nullable=False),
)
sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("station", sa.Text, sa.ForeignKey("station.name"), nullable=False),
    sa.Column("started_at", _time(), nullable=False),
    sa.Column("replayed", sa.Boolean, nullable=False),
)
sa.Table(
    "batch",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, sa.CheckConstraint(_in("state", BATCH_STATES)), nullable=False),
    sa.Column("why", sa.Text),
    sa.Column("kind", sa.Text, sa.CheckConstraint("kind in ('TEST', 'LIVE')"), nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("profile_version", sa.Integer, nullable=False),
    sa.Column("profile_path", sa.Text, nullable=False),
    sa.Column("profile_sha256", sa.LargeBinary, nullable=False),
    sa.Column("keyset_sha256", sa.LargeBinary, nullable=False),
    sa.Column("remake", sa.Text, sa.CheckConstraint("remake in ('after-scrap', 'never')"), nullable=False),
    sa.Column("prepare_step", sa.Text),
    sa.Column("source_name", sa.Text, nullable=False),
    sa.Column("source_sha256", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("imported", sa.Integer, nullable=False),
    sa.Column("sheet", sa.Text),
    sa.Column("created_at", _time(), nullable=False),
    sa.Column("closed_at", _time()),
)
record = sa.Table(
    "record",
    metadata,
    sa.Column("id", _big(), primary_key=True),
    sa.Column("batch_id", sa.Integer, sa.ForeignKey("batch.id"), nullable=False),
    sa.Column("row_no", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, sa.CheckConstraint(_in("state", RECORD_STATES)), nullable=False),
    sa.Column("token", sa.Integer, sa.CheckConstraint("token >= 0"), nullable=False, server_default="0"),
    sa.Column("session", sa.Text),
    sa.Column("lease_until", sa.Double),
    sa.Column("incident", sa.Text),
    sa.Column("data_enc", sa.LargeBinary),
    sa.UniqueConstraint("batch_id", "row_no"),
    sa.CheckConstraint("(state = 'LEASED') = (lease_until is not null)"),
    sa.CheckConstraint("state <> 'LOST' or incident is not null"),
    # Each card changes its row three times. Unless what is left behind is cleared away while the batch runs, index and
    # all, a claim has to pass over it: the millionth would take long.
    postgresql_with={
        "fillfactor": "70",
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "20000",
        "vacuum_index_cleanup": "on",
    },
)
# One small index for the claim, and for what a crash left BOUND.
_open = sa.text("state in ('READY', 'LEASED', 'BOUND')")
sa.Index("record_open", record.c.batch_id, record.c.id, sqlite_where=_open).ddl_if(dialect="sqlite")
# The same on PostgreSQL, in an order that only this index has: see claims.
sa.Index("record_open", record.c.batch_id, sa.text("(id + 0)"), postgresql_where=_open).ddl_if(dialect="postgresql")
attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("id", _big(), primary_key=True),
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("record.id"), nullable=False),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("chip_id", sa.Text, nullable=False, unique=True),
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("station", sa.Text, nullable=False),
    sa.Column("coupler", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, sa.CheckConstraint(_in("state", ATTEMPT_STATES)), nullable=False),
    sa.Column("profile_sha256", sa.LargeBinary, nullable=False),
    sa.Column("keyset_sha256", sa.LargeBinary, nullable=False),
    sa.Column("software", sa.Text, nullable=False),
    sa.Column("evidence_sha256", sa.LargeBinary),
    sa.Column("reject_code", sa.Text),
    sa.Column("reject_class", sa.Text),
    sa.Column("findings_enc", sa.LargeBinary),
    sa.Column("facts", sa.Text),
    sa.Column("late_verdict", sa.Text),
    sa.Column("late_evidence_sha256", sa.LargeBinary),
    sa.Column("predecessor_id", sa.BigInteger, sa.ForeignKey("attempt.id")),
    sa.Column("bound_at", _time(), nullable=False),
    sa.Column("done_at", _time()),
    sa.Column("apply_ms", sa.Integer),
    sa.Column("verify_ms", sa.Integer),
    sa.UniqueConstraint("record_id", "token"),
    sa.CheckConstraint("state <> 'GOOD' or evidence_sha256 is not null"),
)
_live = sa.text("state <> 'SCRAPPED'")
sa.Index("attempt_one_live", attempt.c.record_id, unique=True, sqlite_where=_live, postgresql_where=_live)
sa.Table(
    "record_key",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("record_id", sa.BigInteger, nullable=False),
)
transition = sa.Table(
    "transition",
    metadata,
    sa.Column("from_state", sa.Text, primary_key=True),
    sa.Column("to_state", sa.Text, primary_key=True),
)
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("chain", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("record_id", sa.BigInteger),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("hash", sa.LargeBinary, sa.CheckConstraint("length(hash) = 32"), nullable=False),
    sqlite_with_rowid=False,
)
sa.Table(
    "audit_head",
    metadata,
    sa.Column("chain", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
sa.Table(
    "quarantine",
    metadata,
    sa.Column("batch_id", sa.Integer, sa.ForeignKey("batch.id"), primary_key=True),
    sa.Column("row_no", sa.Integer, primary_key=True),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("detail_enc", sa.LargeBinary, nullable=False),
    sa.Column("disposition", sa.Text),
)
sa.Table(
    "prepared",
    metadata,
    sa.Column("record_id", sa.BigInteger, sa.ForeignKey("record.id"), primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("profile_sha256", sa.LargeBinary, primary_key=True),
    sa.Column("data_enc", sa.LargeBinary),
)
sa.Table(
    "blank_reject",
    metadata,
    sa.Column("id", _big(), primary_key=True),
    sa.Column("batch_id", sa.Integer, sa.ForeignKey("batch.id"), nullable=False),
    sa.Column("station", sa.Text, nullable=False),
    sa.Column("coupler", sa.Integer, nullable=False),
    sa.Column("chip_id", sa.Text),
    sa.Column("reject_class", sa.Text, nullable=False),
    sa.Column("reject_code", sa.Text, nullable=False),
    sa.Column("at", _time(), nullable=False),
)


def _on(table: sa.Table, dialect: str, *texts: str) -> None:
    for text in texts:
        sa.event.listen(table, "after_create", sa.schema.DDL(text).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]


def _abort(name: str, when: str, table: str, condition: str, why: str) -> str:
    return f"create trigger {name} before {when} on {table} {condition} begin select raise(abort, '{why}'); end"


def _function(name: str, body: str) -> str:
    return f"create function {name}() returns trigger language plpgsql as $$ begin {body} end $$"


def _step_function(name: str, condition: str, why: str) -> str:
    return _function(name, f"if {condition} then raise exception '{why}'; end if; return new;")


_on(
    record,
    "sqlite",
    _abort("record_step", "update of state, token", "record", f"when {RECORD_STEP}", "illegal record step"),
)
_on(
    attempt,
    "sqlite",
    _abort("attempt_step", "update", "attempt", f"when {ATTEMPT_STEP}", "illegal attempt step"),
    _abort("attempt_delete", "delete", "attempt", "", "attempts are never deleted"),
)
_on(
    audit,
    "sqlite",
    _abort("audit_update", "update", "audit", "", "audit is append only"),
    _abort("audit_delete", "delete", "audit", "", "audit is append only"),
)
_on(
    record,
    "postgresql",
    _step_function("record_step", RECORD_STEP, "illegal record step"),
    "create trigger record_step before update of state, token on record for each row execute function record_step()",
)
_on(
    attempt,
    "postgresql",
    _step_function("attempt_step", ATTEMPT_STEP, "illegal attempt step"),
    "create trigger attempt_step before update on attempt for each row execute function attempt_step()",
    _function("attempt_delete", "raise exception 'attempts are never deleted';"),
    "create trigger attempt_delete before delete or truncate on attempt for each statement"
    " execute function attempt_delete()",
)
_on(
    audit,
    "postgresql",
    _function("audit_append_only", "raise exception 'audit is append only';"),
    "create trigger audit_append_only before update or delete or truncate on audit for each statement"
    " execute function audit_append_only()",
)


def upgrade() -> None:
    """Make everything and list the arrows."""
    metadata.create_all(op.get_bind())
    op.bulk_insert(transition, [{"from_state": a, "to_state": b} for a, b in ARROWS])
