"""Statements of the queue's hot path, compiled once an engine: a page costs the database's work, not SQLAlchemy's.

A statement built and executed the usual way costs 150 to 250 µs of Python, a dozen of them ten times what SQLite needs for
the page. Everything else in core executes statements as SQLAlchemy does.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Connection, Dialect, Executable, bindparam
from sqlalchemy.dialects import postgresql, sqlite

INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""Each engine's INSERT that knows ON CONFLICT."""
Read = Callable[[Any], Any]


@dataclass(frozen=True)
class _Form:
    """A statement in one engine's words; `binds` and `reads` convert values, but no absent ones, on the way in and out."""

    sql: str
    pick: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    constants: Mapping[str, Any]
    binds: tuple[tuple[int, Read], ...]
    row: Callable[[Iterable[Any]], Any] | None
    reads: tuple[tuple[int, Read], ...]

    def place(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values in the order of the statement's placeholders."""
        placed = self.pick({**self.constants, **values} if self.constants else values)
        return tuple(_converted(placed, self.binds)) if self.binds else placed

    def rows(self, found: Sequence[Any]) -> list[Any]:
        """What came back, as named tuples."""
        if self.row is None or not found:
            return []
        if not self.reads:
            return [self.row(values) for values in found]
        return [self.row(_converted(values, self.reads)) for values in found]


def _converted(values: Iterable[Any], converters: Iterable[tuple[int, Read]]) -> list[Any]:
    converted = list(values)
    for place, convert in converters:
        if converted[place] is not None:
            converted[place] = convert(converted[place])
    return converted


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Takes the values of these names out of a mapping, in their order."""
    if len(names) == 1:
        return lambda values: (values[names[0]],)
    return itemgetter(*names) if names else lambda _values: ()


class Prepared:
    """One statement with named parameters.

    Args:
        build: makes the statement for an engine, by the name of its dialect; IN lists have a fixed length (see `any_of`).
    """

    def __init__(self, build: Callable[[str], Executable]) -> None:
        self._build = build
        self._forms: dict[str, _Form] = {}

    def all(self, conn: Connection, /, **values: Any) -> list[Any]:
        """The rows that a query, or a change with RETURNING, gives."""
        form = self._form(conn)
        return form.rows(_execute(conn, form.sql, form.place(values)).fetchall())

    def first(self, conn: Connection, /, **values: Any) -> Any | None:
        """The first row, or None."""
        rows = self.all(conn, **values)
        return rows[0] if rows else None

    def run(self, conn: Connection, /, **values: Any) -> int:
        """Change rows; returns how many."""
        form = self._form(conn)
        return int(_execute(conn, form.sql, form.place(values)).rowcount)

    def many(self, conn: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run once for each set of values, in one call of the driver."""
        form = self._form(conn)
        placed = [form.place(values) for values in rows]
        if placed and conn.dialect.name == "sqlite":
            _sqlite(conn).executemany(form.sql, placed)
        elif placed:
            conn.exec_driver_sql(form.sql, placed)

    def _form(self, conn: Connection) -> _Form:
        form = self._forms.get(conn.dialect.name)
        if form is None:
            form = self._forms[conn.dialect.name] = _compile(self._build(conn.dialect.name), conn.dialect)
        return form


def always(statement: Executable) -> Prepared:
    """A statement that is the same for every engine."""
    return Prepared(lambda _dialect: statement)


def any_of(column: ColumnElement[Any], prefix: str, width: int) -> ColumnElement[bool]:
    """`column IN (…)` of a fixed number of parameters; `spread` gives their values."""
    return column.in_([number(f"{prefix}{n}") for n in range(width)])


def spread(prefix: str, values: Sequence[int], width: int) -> dict[str, int]:
    """Values of the parameters of `any_of`; those left over take the last value again. `values` is not empty."""
    return {f"{prefix}{n}": values[min(n, len(values) - 1)] for n in range(width)}


def number(name: str) -> BindParameter[int]:
    """A 64-bit parameter."""
    return bindparam(name, type_=BigInteger())


def _execute(conn: Connection, sql: str, values: tuple[Any, ...]) -> Any:
    if conn.dialect.name == "sqlite":
        return _sqlite(conn).execute(sql, values)
    return conn.exec_driver_sql(sql, values)


def _sqlite(conn: Connection) -> Any:
    if not conn.in_transaction():
        conn.begin()
    return conn.connection.driver_connection


def _compile(statement: Any, dialect: Dialect) -> _Form:
    compiled = statement.compile(dialect=dialect)
    names = tuple(compiled.positiontup)
    binds = [
        (n, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for n, name in enumerate(names)
    ]
    constants = {name: value for name, value in compiled.params.items() if value is not None and name in names}
    columns = list(statement.exported_columns) if _gives_rows(statement) else []
    reads = [(n, column.type.dialect_impl(dialect).result_processor(dialect, None)) for n, column in enumerate(columns)]
    row: Any = namedtuple("Row", [column.key for column in columns]) if columns else None
    return _Form(
        str(compiled),
        _picker(names),
        constants,
        tuple((n, convert) for n, convert in binds if convert is not None),
        row and row._make,
        tuple((n, convert) for n, convert in reads if convert is not None),
    )


def _gives_rows(statement: Any) -> bool:
    return bool(getattr(statement, "is_select", False) or getattr(statement, "_returning", ()))
