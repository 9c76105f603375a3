"""Accounts with their roles, approvals bound to a content hash, signed checkpoints of the audit chains.

security.md 3 (R1, R3, L4), 4, 11
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = ("operator", "supervisor", "custodian", "security-officer", "qa", "author", "auditor", "administrator")


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def _in(column: str, values: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(value) for value in values)})"


metadata = sa.MetaData()

# person: staff number or the like; unique, so that nobody has two accounts.
sa.Table(
    "account",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, sa.CheckConstraint(_in("state", ("ACTIVE", "LOCKED"))), nullable=False),
    sa.Column("failures", sa.Integer, sa.CheckConstraint("failures between 0 and 6"), nullable=False),
    sa.Column("credential", sa.Text, nullable=False),
    sa.Column("created_at", _time(), nullable=False),
    sa.Column("changed_at", _time(), nullable=False),
    sa.CheckConstraint("failures < 6 or state = 'LOCKED'"),
)
sa.Table(
    "account_role",
    metadata,
    sa.Column("account", sa.Text, sa.ForeignKey("account.name"), primary_key=True),
    sa.Column("role", sa.Text, sa.CheckConstraint(_in("role", ROLES)), primary_key=True),
)
sa.Table(
    "approval",
    metadata,
    sa.Column("kind", sa.Text, sa.CheckConstraint(_in("kind", ("profile", "order", "batch"))), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sha256", sa.LargeBinary, sa.CheckConstraint("length(sha256) = 32"), primary_key=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("proposed_at", _time(), nullable=False),
    sa.Column("approvers", sa.Text),
    sa.Column("approved_at", _time()),
    sa.CheckConstraint("(approvers is null) = (approved_at is null)"),
)
checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("chain", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
)


def _on(dialect: str, *texts: str) -> None:
    for text in texts:
        sa.event.listen(checkpoint, "after_create", sa.schema.DDL(text).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]


_on(
    "sqlite",
    *(
        f"create trigger checkpoint_{step} before {step} on checkpoint"
        " begin select raise(abort, 'checkpoints are append only'); end"
        for step in ("update", "delete")
    ),
)
_on(
    "postgresql",
    "create function checkpoint_append_only() returns trigger language plpgsql as"
    " $$ begin raise exception 'checkpoints are append only'; end $$",
    "create trigger checkpoint_append_only before update or delete or truncate on checkpoint for each statement"
    " execute function checkpoint_append_only()",
)


def upgrade() -> None:
    """Make the four tables."""
    metadata.create_all(op.get_bind())
