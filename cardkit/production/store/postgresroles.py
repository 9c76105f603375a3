"""What people and stations may do in a PostgreSQL database. Neither owns the schema. production.md 4, security.md R5

A login gets one of the two roles (``grant cardkit_station to s1``); cardkit takes off every other right it has as soon
as it has looked at the schema.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

OFFICE_ROLE = "cardkit_office"
STATION_ROLE = "cardkit_station"

# A station brings cards to their end. It imports nothing, and nothing it has said can be taken back.
STATION_RIGHTS = (
    "select on alembic_version, store, station, session, batch, attempt, quarantine, blank_reject, transition,"
    " audit, audit_head, record_key, card_key, account, account_role, approval, checkpoint, sample, sample_card",
    # Not what is in them: that it reads of its own (own_record, own_prepared).
    "select (id, batch_id, row_no, state, token, session, lease_until, incident) on record",
    "select (record_id, step, profile_sha256) on prepared",
    "select on own_record, own_prepared",
    "insert on station, session, attempt, card_key, blank_reject, audit, audit_head, checkpoint",
    "update (session, epoch) on station",
    "update (replayed) on session",
    "update (state, why) on batch",
    "update (state, token, session, lease_until) on record",
    "update (state, session, evidence_sha256, reject_code, reject_class, findings_enc, facts, late_verdict,"
    " late_evidence_sha256, done_at, apply_ms, verify_ms) on attempt",
    "update on audit_head",
    # A login counts its failures.
    "update (state, failures, changed_at) on account",
)
# What people do to the tables that they never change.
FROZEN = {
    "audit": "select, insert",
    "card_key": "select, insert",
    "checkpoint": "select, insert",
    "transition": "select",
    "alembic_version": "select",
}


def grant(connection: Connection) -> None:
    """Make the roles where they are missing and give them their rights, after a migration."""
    for role in (OFFICE_ROLE, STATION_ROLE):
        if not connection.scalar(text("select exists (select 1 from pg_roles where rolname = :role)"), {"role": role}):
            connection.execute(text(f"create role {role} nologin"))
            connection.execute(text(f"grant {role} to current_user"))
        connection.execute(text(f"revoke all on all tables in schema public from {role}"))
        connection.execute(text(f"grant usage on all sequences in schema public to {role}"))
    for right in STATION_RIGHTS:
        connection.execute(text(f"grant {right} to {STATION_ROLE}"))
    for table in inspect(connection).get_table_names():
        rights = FROZEN.get(table, "select, insert, update")
        connection.execute(text(f"grant {rights} on {table} to {OFFICE_ROLE}"))
    connection.execute(text(f"grant select on own_record, own_prepared to {OFFICE_ROLE}"))
    connection.execute(text(f"grant delete on account_role to {OFFICE_ROLE}"))
