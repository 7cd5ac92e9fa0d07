"""What SQLite can find out about a damaged file: its structure, and values of another type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, String, Table, case, func, inspect, select

from vigility.adapters.sql.schema import metadata

MAX_MESSAGES: Final = 100
"""How many messages SQLite gives about the structure: a damaged page can cause thousands."""


def problems(connection: Connection) -> Sequence[str]:
    """One sentence for each problem. Reads the whole file."""
    return [*_structure(connection), *_types(connection)]


def _structure(connection: Connection) -> Iterator[str]:
    for (message,) in connection.exec_driver_sql(f"PRAGMA integrity_check({MAX_MESSAGES})"):
        if message != "ok":
            yield from (line for line in str(message).splitlines() if not line.startswith("*** in database"))


def _types(connection: Connection) -> Iterator[str]:
    names = set(inspect(connection).get_table_names())
    for table in metadata.sorted_tables:
        if table.name in names:
            yield from _types_of(connection, table)


def _types_of(connection: Connection, table: Table) -> Iterator[str]:
    counts = [func.coalesce(func.sum(case((_is_wrong(column), 1), else_=0)), 0) for column in table.c]
    for column, count in zip(table.c, connection.execute(select(*counts)).one(), strict=True):
        if count:
            yield f"{table.name}: {count:,} values of {column.name} have another type"


def _is_wrong(column: Column[Any]) -> ColumnElement[bool]:
    allowed = ["text" if isinstance(column.type, String) else "integer"]
    return func.typeof(column).not_in([*allowed, "null"] if column.nullable else allowed)
