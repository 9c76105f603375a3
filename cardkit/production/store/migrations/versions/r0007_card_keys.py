"""Digests of keys that are one card's alone; they survive a purge. security.md K15"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

metadata = sa.MetaData()
# A table without row numbers keeps each digest once, in its place.
sa.Table(
    "card_key",
    metadata,
    sa.Column("digest", sa.LargeBinary, sa.CheckConstraint("length(digest) = 32"), primary_key=True),
    sa.Column("record_id", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


def upgrade() -> None:
    """Make the table."""
    metadata.create_all(op.get_bind())
