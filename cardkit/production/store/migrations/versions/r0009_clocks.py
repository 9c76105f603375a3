"""A clock for secret and one for personal fields, besides those of batches. security.md D4"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# No dialect needs to know how another changes a check.
STATEMENTS = (
    "create table retention_0009 (kept text not null primary key"
    " check (kept in ('closed', 'open', 'secret', 'personal')), days integer not null check (days > 0))",
    "insert into retention_0009 select kept, days from retention",
    "drop table retention",
    "alter table retention_0009 rename to retention",
)


def upgrade() -> None:
    """Make the table anew, with what was in it."""
    for statement in STATEMENTS:
        op.execute(statement)
