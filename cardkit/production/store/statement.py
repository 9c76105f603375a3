"""Statements of the hot path: written in Core, compiled once, run on the driver.

A card costs ten statements; through ``Connection.execute`` each costs ten times what the database needs for it.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.expression import ClauseElement

Processor = Callable[[Any], Any]


class Statement:
    """One statement with named parameters, for any dialect.

    :param clause: a select, insert or update whose changing values are ``bindparam`` or columns of an insert.
    :param columns: of an insert: those that are given values.
    """

    def __init__(self, clause: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self._clause = clause
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Execute; how many rows were touched."""
        return int(self._execute(connection, values).rowcount)

    def one(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Execute; the one row with its columns as attributes, or None."""
        cursor = self._execute(connection, values)
        row = cursor.fetchone()
        if row is None:
            return None
        return self._for(connection.dialect).row(cursor.description, row)

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        compiled = self._for(connection.dialect)
        cursor = connection.connection.cursor()
        cursor.execute(compiled.text, compiled.parameters(values))
        return cursor

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._clause, self._columns, dialect)
        return compiled


class _Compiled:
    """A statement's text and the order and form of its parameters in one dialect."""

    def __init__(self, clause: ClauseElement, columns: Sequence[str] | None, dialect: Dialect) -> None:
        compiled: Any = clause.compile(dialect=dialect, column_keys=columns)
        self.text = str(compiled)
        self._constants: dict[str, Any] = compiled.params
        self._order: list[str] | None = compiled.positiontup if compiled.positional else None
        self._processors: dict[str, Processor] = {
            name: processor
            for name, bind in compiled.binds.items()
            if (processor := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        self._row: Callable[..., Any] | None = None

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """Return values and constants as the driver wants them."""
        given = {**self._constants, **values}
        for name, processor in self._processors.items():
            given[name] = processor(given[name])
        return given if self._order is None else tuple(given[name] for name in self._order)

    def row(self, description: Sequence[Sequence[Any]], row: Sequence[Any]) -> Any:
        """Return a row with named columns."""
        if self._row is None:
            self._row = _row_type([str(column[0]) for column in description])
        return self._row(*row)


def _row_type(names: list[str]) -> Callable[..., Any]:
    return namedtuple("Row", names)
