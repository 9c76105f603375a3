"""Transactions of the hot path, on the driver itself: what happens with every card.

A transaction through SQLAlchemy costs a card more than the statements in it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from cardkit.production.store.audit import Chains, Event
from cardkit.production.store.database import Database
from cardkit.production.store.statement import driver_of


class Steps:
    """One transaction after another on one connection; each ends with the audit events of its steps.

    :param connection: inside no transaction of its own while one of these runs.
    """

    def __init__(
        self, database: Database, connection: Connection, chains: Chains, clock: Callable[[], datetime]
    ) -> None:
        self.driver = driver_of(connection)
        self._connection: Any = connection.connection.dbapi_connection
        self._begin = database.begin
        self._chains = chains
        self._clock = clock
        self._events: dict[str, list[tuple[datetime, Event]]] = {}
        self._first_open: dict[int, tuple[int, int]] = {}

    def first_open(self, batch_id: int, remade: int) -> int:
        """Return the id of a record of a batch before which none can be leased, as this connection last saw it.

        :param remade: how many records of the batch came back after they were finished: any of them may be before it.
        """
        known, first = self._first_open.get(batch_id, (remade, 0))
        return first if known == remade else 0

    def note_first_open(self, batch_id: int, remade: int, first: int) -> None:
        """Note what :meth:`first_open` returns; a restored database is another connection, and starts over."""
        self._first_open[batch_id] = (remade, first)

    def begin(self) -> None:
        """Start a transaction."""
        if self._begin is not None:
            self.driver.cursor.execute(self._begin)

    def audit(self, chain: str, event: Event) -> None:
        """Note what happened, to be appended to a chain when the transaction ends."""
        self._events.setdefault(chain, []).append((self._clock(), event))

    def commit(self) -> None:
        """End the transaction; what it did is durable when this returns."""
        for chain, events in self._events.items():
            self._chains[chain].append(self.driver, events)
        self._events.clear()
        self._connection.commit()

    def undo(self) -> None:
        """End the transaction as if it had not been."""
        self._events.clear()
        self._connection.rollback()
