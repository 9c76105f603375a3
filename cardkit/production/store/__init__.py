"""The production store: records, attempts, audit. SQLAlchemy Core over SQLite and PostgreSQL. production.md 3, 4"""

from __future__ import annotations

from cardkit.production.store.office import Office
from cardkit.production.store.sessions import Restarted, fence_station, start_session
from cardkit.production.store.station import Answer, Card, Claim, StationSession, Work
from cardkit.production.store.store import Batch, Clocks, Store, Terms, open_store

__all__ = [
    "Answer",
    "Batch",
    "Card",
    "Claim",
    "Clocks",
    "Office",
    "Restarted",
    "StationSession",
    "Store",
    "Terms",
    "Work",
    "fence_station",
    "open_store",
    "start_session",
]
