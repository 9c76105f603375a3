"""The columns the store's statements use. Tables, constraints and triggers are made by the migrations.

production.md 4
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    column,
    table,
    text,
)


class RecordState(StrEnum):
    """States of a record; those from BOUND to LOST but CANCELLED are also states of an attempt. production.md 3"""

    READY = "READY"
    LEASED = "LEASED"
    BOUND = "BOUND"
    GOOD = "GOOD"
    IN_DOUBT = "IN_DOUBT"
    REJECTED = "REJECTED"
    SCRAPPED = "SCRAPPED"
    LOST = "LOST"
    CANCELLED = "CANCELLED"


class BatchState(StrEnum):
    """Life of a batch. production.md 8"""

    DRAFT = "DRAFT"
    APPROVED = "APPROVED"
    OPEN = "OPEN"
    HELD = "HELD"
    CLOSED = "CLOSED"
    PURGED = "PURGED"


class OrderState(StrEnum):
    """Life of an order: PURGED when all its batches are. production.md 1"""

    DRAFT = "DRAFT"
    APPROVED = "APPROVED"
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    PURGED = "PURGED"


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: UTC in the database whatever the dialect keeps, aware in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the value its zone back where the dialect drops it (SQLite)."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


metadata = MetaData()

# One row: who this store is.
store = Table(
    "store",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("installation", Text),
    Column("kind", Text),
    Column("persons", Integer),
    Column("epoch", Text),
    Column("key_check", LargeBinary),
)
# epoch: the store epoch whose journals of this station have all been replayed.
station = Table(
    "station", metadata, Column("name", Text, primary_key=True), Column("session", Text), Column("epoch", Text)
)
session = Table(
    "session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("station", Text),
    Column("started_at", UtcDateTime),
    Column("replayed", Boolean),
    Column("login", Text),
)
batch = Table(
    "batch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("state", Text),
    Column("why", Text),
    Column("kind", Text),
    Column("profile", Text),
    Column("profile_version", Integer),
    Column("profile_path", Text),
    Column("profile_sha256", LargeBinary),
    Column("keyset_sha256", LargeBinary),
    Column("remake", Text),
    Column("prepare_step", Text),
    Column("source_name", Text),
    Column("source_sha256", LargeBinary),
    Column("rows", Integer),
    Column("imported", Integer),
    Column("sheet", Text),
    Column("created_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("order_id", Integer),
    Column("remade", Integer),
)
customer_order = Table(
    "customer_order",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("state", Text),
    Column("customer", Text),
    Column("profile", Text),
    Column("profile_sha256", LargeBinary),
    Column("quantity", Integer),
    Column("due", Date),
    Column("acceptance", Text),
    Column("sender", Text),
    Column("recipient", Text),
    Column("signer", Text),
    Column("created_at", UtcDateTime),
)
record = Table(
    "record",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("batch_id", Integer),
    Column("row_no", Integer),
    Column("state", Text),
    Column("token", Integer),
    Column("session", Text),
    Column("lease_until", Double),
    Column("incident", Text),
    Column("data_enc", LargeBinary),
)
attempt = Table(
    "attempt",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("record_id", BigInteger),
    Column("token", Integer),
    Column("chip_id", Text),
    Column("session", Text),
    Column("station", Text),
    Column("coupler", Integer),
    Column("state", Text),
    Column("profile_sha256", LargeBinary),
    Column("keyset_sha256", LargeBinary),
    Column("software", Text),
    Column("evidence_sha256", LargeBinary),
    Column("reject_code", Text),
    Column("reject_class", Text),
    Column("findings_enc", LargeBinary),
    Column("facts", Text),
    Column("late_verdict", Text),
    Column("late_evidence_sha256", LargeBinary),
    Column("predecessor_id", BigInteger),
    Column("bound_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("apply_ms", Integer),
    Column("verify_ms", Integer),
)
record_key = Table(
    "record_key",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("record_id", BigInteger),
)
# Digests of keys that are one card's alone; product and role are in the digest.
card_key = Table("card_key", metadata, Column("digest", LargeBinary, primary_key=True), Column("record_id", BigInteger))
# What a station may read of records and prepared values; on SQLite, and for people, all of them.
own_record = table(
    "own_record",
    column("record_id", BigInteger),
    column("batch_id", Integer),
    column("row_no", Integer),
    column("data_enc", LargeBinary),
)
own_prepared = table(
    "own_prepared", column("record_id", BigInteger), column("step", Text), column("data_enc", LargeBinary)
)
transition = Table(
    "transition", metadata, Column("from_state", Text, primary_key=True), Column("to_state", Text, primary_key=True)
)
# What the partial index record_open holds; written out, because a planner cannot see through parameters.
OPEN = text("record.state in ('READY', 'LEASED', 'BOUND')")
# kind and record_id repeat what the event says, so that invariants are plain queries; the chain check compares them.
audit = Table(
    "audit",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("kind", Text),
    Column("record_id", BigInteger),
    Column("event", Text),
    Column("hash", LargeBinary),
)
audit_head = Table(
    "audit_head",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("seq", BigInteger),
    Column("hash", LargeBinary),
    Column("at", Text),
)
quarantine = Table(
    "quarantine",
    metadata,
    Column("batch_id", Integer, primary_key=True),
    Column("row_no", Integer, primary_key=True),
    Column("line", Integer),
    Column("field", Text),
    Column("code", Text),
    Column("detail_enc", LargeBinary),
    Column("disposition", Text),
)
prepared = Table(
    "prepared",
    metadata,
    Column("record_id", BigInteger, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("profile_sha256", LargeBinary, primary_key=True),
    Column("data_enc", LargeBinary),
)
blank_reject = Table(
    "blank_reject",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("batch_id", Integer),
    Column("station", Text),
    Column("coupler", Integer),
    Column("chip_id", Text),
    Column("reject_class", Text),
    Column("reject_code", Text),
    Column("at", UtcDateTime),
)
account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    Column("person", Text),
    Column("state", Text),
    Column("failures", Integer),
    Column("credential", Text),
    Column("created_at", UtcDateTime),
    Column("changed_at", UtcDateTime),
)
account_role = Table(
    "account_role", metadata, Column("account", Text, primary_key=True), Column("role", Text, primary_key=True)
)
# What was proposed and approved: a profile, order or batch of exactly this content.
approval = Table(
    "approval",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    Column("author", Text),
    Column("proposed_at", UtcDateTime),
    Column("approvers", Text),
    Column("approved_at", UtcDateTime),
)
checkpoint = Table(
    "checkpoint",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("body", Text),
    Column("signature", LargeBinary),
)
sample = Table(
    "sample",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch_id", Integer),
    Column("state", Text),
    Column("lot", Integer),
    Column("level", Text),
    Column("aql", Text),
    Column("severity", Text),
    Column("n", Integer),
    Column("ac", Integer),
    Column("whole", Boolean),
    Column("seed", LargeBinary),
    Column("drawn_at", UtcDateTime),
)
sample_card = Table(
    "sample_card",
    metadata,
    Column("sample_id", Integer, primary_key=True),
    Column("attempt_id", BigInteger, primary_key=True),
    Column("row_no", Integer),
    Column("verdict", Text),
    Column("finding", Text),
    Column("spent", Boolean),
    Column("judged_by", Text),
    Column("judged_at", UtcDateTime),
)
retention = Table("retention", metadata, Column("kept", Text, primary_key=True), Column("days", Integer))
