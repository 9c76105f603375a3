"""Samples of lots, and what became of each card of them. A verdict is said once. production.md 13"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


metadata = sa.MetaData()
sa.Table("batch", metadata, sa.Column("id", sa.Integer, primary_key=True))
sa.Table("attempt", metadata, sa.Column("id", sa.BigInteger, primary_key=True))
sample = sa.Table(
    "sample",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("batch_id", sa.Integer, sa.ForeignKey("batch.id"), nullable=False, index=True),
    sa.Column("state", sa.Text, sa.CheckConstraint("state in ('OPEN', 'ACCEPTED', 'REFUSED')"), nullable=False),
    sa.Column("lot", sa.Integer, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("aql", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("n", sa.Integer, sa.CheckConstraint("n > 0"), nullable=False),
    sa.Column("ac", sa.Integer, sa.CheckConstraint("ac >= 0"), nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False),
    sa.Column("seed", sa.LargeBinary, nullable=False),
    sa.Column("drawn_at", _time(), nullable=False),
    sa.UniqueConstraint("batch_id", "seed", "n", "ac"),
)
# attempt_id, not the record: a card that is made again is another card.
sample_card = sa.Table(
    "sample_card",
    metadata,
    sa.Column("sample_id", sa.Integer, sa.ForeignKey("sample.id"), primary_key=True),
    sa.Column("attempt_id", sa.BigInteger, sa.ForeignKey("attempt.id"), primary_key=True),
    sa.Column("row_no", sa.Integer, nullable=False),
    sa.Column("verdict", sa.Text, sa.CheckConstraint("verdict in ('GOOD', 'BAD')")),
    sa.Column("finding", sa.Text),
    sa.Column("spent", sa.Boolean, nullable=False),
    sa.Column("judged_by", sa.Text),
    sa.Column("judged_at", _time()),
    sa.CheckConstraint("(verdict is null) = (judged_by is null)"),
    sa.CheckConstraint("(finding is not null) = (verdict is not null and verdict = 'BAD')"),
)

ONCE = {"sample": "old.state <> 'OPEN'", "sample_card": "old.verdict is not null"}


def _on(table: sa.Table, dialect: str, *texts: str) -> None:
    for text in texts:
        sa.event.listen(table, "after_create", sa.schema.DDL(text).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]


for table in (sample, sample_card):
    name = f"{table.name}_once"
    _on(
        table,
        "sqlite",
        f"create trigger {name} before update on {table.name} when {ONCE[table.name]}"
        " begin select raise(abort, 'a verdict of a sample is said once'); end",
        f"create trigger {table.name}_delete before delete on {table.name}"
        " begin select raise(abort, 'samples are never deleted'); end",
    )
    _on(
        table,
        "postgresql",
        f"create function {name}() returns trigger language plpgsql as $$ begin if {ONCE[table.name]}"
        " then raise exception 'a verdict of a sample is said once'; end if; return new; end $$",
        f"create trigger {name} before update on {table.name} for each row execute function {name}()",
        f"create function {table.name}_delete() returns trigger language plpgsql as"
        " $$ begin raise exception 'samples are never deleted'; end $$",
        f"create trigger {table.name}_delete before delete or truncate on {table.name} for each statement"
        f" execute function {table.name}_delete()",
    )


def upgrade() -> None:
    """Make the two tables."""
    metadata.create_all(op.get_bind(), tables=[sample, sample_card])
