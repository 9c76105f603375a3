"""How long data of batches may be kept. security.md D4"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

metadata = sa.MetaData()
sa.Table(
    "retention",
    metadata,
    sa.Column("kept", sa.Text, sa.CheckConstraint("kept in ('closed', 'open')"), primary_key=True),
    sa.Column("days", sa.Integer, sa.CheckConstraint("days > 0"), nullable=False),
)


def upgrade() -> None:
    """Make the table."""
    metadata.create_all(op.get_bind())
