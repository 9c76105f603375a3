"""How often a record of a batch came back to READY after it was finished: until then claims look no further back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count to batches."""
    op.add_column("batch", sa.Column("remade", sa.Integer, nullable=False, server_default="0"))
