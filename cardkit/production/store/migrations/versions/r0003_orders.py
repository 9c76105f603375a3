"""Customers' orders, the batches that belong to them; on SQLite business keys without a second tree of row numbers.

production.md 1, 22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ORDER_STATES = ("DRAFT", "APPROVED", "OPEN", "CLOSED", "PURGED")

metadata = sa.MetaData()

# sender: whose signature its files bear. recipient, signer: of its output files. All fingerprints of OpenPGP keys.
sa.Table(
    "customer_order",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint(f"state in ({', '.join(repr(state) for state in ORDER_STATES)})"),
        nullable=False,
    ),
    sa.Column("customer", sa.Text, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("profile_sha256", sa.LargeBinary, sa.CheckConstraint("length(profile_sha256) = 32"), nullable=False),
    sa.Column("quantity", sa.Integer, sa.CheckConstraint("quantity > 0"), nullable=False),
    sa.Column("due", sa.Date),
    sa.Column("acceptance", sa.Text, nullable=False),
    sa.Column("sender", sa.Text),
    sa.Column("recipient", sa.Text),
    sa.Column("signer", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(recipient is null) = (signer is null)"),
)

# A table without row numbers keeps each key once, in its place.
COMPACT_KEYS = (
    "create table record_key_0003 (kind text not null, digest blob not null, record_id bigint not null,"
    " primary key (kind, digest)) without rowid",
    "insert into record_key_0003 select kind, digest, record_id from record_key order by kind, digest",
    "drop table record_key",
    "alter table record_key_0003 rename to record_key",
)


def upgrade() -> None:
    """Make the table, and give batches their order."""
    metadata.create_all(op.get_bind())
    op.execute("alter table batch add column order_id integer references customer_order (id)")
    if op.get_bind().dialect.name == "sqlite":
        for statement in COMPACT_KEYS:
            op.execute(statement)
