"""What a station reads of records: those it leased or made, and cards in doubt. security.md R5

On SQLite there is one process, which reads everything.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MINE = {
    "sqlite": "1 = 1",
    "postgresql": "r.state = 'IN_DOUBT' or pg_has_role(session_user, 'cardkit_office', 'member')"
    " or r.session in (select s.id from session s where s.login = session_user)",
}
VIEWS = {
    "own_record": "select r.id as record_id, r.batch_id, r.row_no, r.data_enc from record r",
    "own_prepared": "select p.record_id, p.step, p.data_enc from prepared p join record r on r.id = p.record_id",
}
BARRIER = {"sqlite": "", "postgresql": " with (security_barrier)"}


def upgrade() -> None:
    """Note logins, and make the two views."""
    dialect = op.get_bind().dialect.name
    # login: whose connection opened a session.
    if dialect == "postgresql":
        op.execute("alter table session add column login text default session_user")
    else:
        op.add_column("session", sa.Column("login", sa.Text))
    for name, rows in VIEWS.items():
        op.execute(f"create view {name}{BARRIER[dialect]} as {rows} where {MINE[dialect]}")
