"""Statements of the hot path: written in Core, compiled once, run on the driver.

A card costs ten statements; through ``Connection.execute`` each costs ten times what the database needs for it.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, LargeBinary
from sqlalchemy.sql.expression import ClauseElement

Processor = Callable[[Any], Any]
MOST_VALUES = 30_000  # of one statement; SQLite takes 32,766, PostgreSQL 65,535


class Driver(NamedTuple):
    """The driver's cursor inside one transaction, and how its database is spoken to."""

    cursor: Any
    dialect: Dialect


def driver_of(connection: Connection) -> Driver:
    """Return the driver below a connection that is inside a transaction."""
    return Driver(connection.connection.cursor(), connection.dialect)


class Statement:
    """One statement with named parameters, for any dialect.

    :param clause: a select, insert or update whose changing values are ``bindparam`` or columns of an insert.
    :param columns: of an insert: those that are given values.
    """

    def __init__(self, clause: ClauseElement, columns: Sequence[str] | None = None) -> None:
        self._clause = clause
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}

    def run(self, driver: Driver, values: Mapping[str, Any]) -> int:
        """Execute; how many rows were touched."""
        compiled = self._for(driver.dialect)
        driver.cursor.execute(compiled.text, compiled.parameters(values))
        return int(driver.cursor.rowcount)

    def run_rows(self, driver: Driver, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert many rows, several thousand values a call: the interpreter is free meanwhile.

        :param rows: values that every driver takes as they are (text, numbers, bytes), in the order of ``columns``.
        """
        compiled = self._for(driver.dialect)
        if not compiled.positional:
            with driver.cursor.copy(compiled.copying) as copy:  # psycopg's
                for row in rows:
                    copy.write_row(row)
            return
        size = MOST_VALUES // len(compiled.columns)
        for start in range(0, len(rows), size):
            some = compiled.ordered(rows[start : start + size])
            driver.cursor.execute(compiled.repeated(len(some)), list(chain.from_iterable(some)))

    def all(self, driver: Driver, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute; all rows, as the driver gives them."""
        compiled = self._for(driver.dialect)
        driver.cursor.execute(compiled.text, compiled.parameters(values))
        return list(driver.cursor.fetchall())

    def one(self, driver: Driver, values: Mapping[str, Any]) -> Any:
        """Execute; the one row with its columns as attributes, or None."""
        compiled = self._for(driver.dialect)
        driver.cursor.execute(compiled.text, compiled.parameters(values))
        row = driver.cursor.fetchone()
        return None if row is None else compiled.row(driver.cursor.description, row)

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
        self.columns = list(columns or ())
        self._order: list[str] | None = compiled.positiontup if compiled.positional else None
        self._constants = {
            name: compiled.params[name] for bind, name in compiled.bind_names.items() if not bind.required
        }
        # Both drivers take bytes as they are.
        self._processors: dict[str, Processor] = {
            name: processor
            for bind, name in compiled.bind_names.items()
            if not isinstance(bind.type, LargeBinary)
            and (processor := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        names = [] if self._constants else self._order or []
        self._picked = _picker(names) if names else None
        self._places = [(place, self._processors[name]) for place, name in enumerate(names) if name in self._processors]
        self._table = getattr(clause, "table", None)
        self._row: Callable[..., Any] | None = None

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """Return values and constants as the driver wants them."""
        if self._picked is not None:
            return self._in_place(self._picked(values))
        given = {**self._constants, **values}
        for name, processor in self._processors.items():
            given[name] = processor(given[name])
        return given if self._order is None else [given[name] for name in self._order]

    def _in_place(self, picked: tuple[Any, ...]) -> Sequence[Any]:
        if not self._places:
            return picked
        given = list(picked)
        for place, processor in self._places:
            given[place] = processor(given[place])
        return given

    @property
    def positional(self) -> bool:
        """Whether the driver takes values by place, not by name."""
        return self._order is not None

    @property
    def copying(self) -> str:
        """PostgreSQL's statement that takes rows of an insert from the connection, without a word for each."""
        return f"COPY {self._table} ({', '.join(self.columns)}) FROM STDIN"

    def named(self, rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """Return rows of values with the names of their columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in rows]

    def ordered(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
        """Return rows of values in the order in which the statement's text names them."""
        if self._order is None or self._order == self.columns:
            return rows
        return [[values[name] for name in self._order] for values in self.named(rows)]

    def repeated(self, rows: int) -> str:
        """Return the text of an insert for several rows at once."""
        head, _, one = self.text.partition(" VALUES ")
        return f"{head} VALUES {', '.join([one] * rows)}"

    def row(self, description: Sequence[Sequence[Any]], row: Sequence[Any]) -> Any:
        """Return a row with named columns."""
        if self._row is None:
            self._row = _row_type([str(column[0]) for column in description])
        return self._row(*row)


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return what takes the values of some names, in their order."""
    if len(names) == 1:
        return lambda values: (values[names[0]],)
    return itemgetter(*names)


def _row_type(names: list[str]) -> Callable[..., Any]:
    return namedtuple("Row", names)
