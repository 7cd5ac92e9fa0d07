"""What SQLite can find out about a damaged file: its structure, and values of another type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, String, Table, case, func, select

from vigility.adapters.sql.database import Check
from vigility.adapters.sql.schema import metadata

MAX_MESSAGES: Final = 100
"""How many messages SQLite gives about the structure: a damaged page can cause thousands."""


def _structure(connection: Connection) -> Iterator[str]:
    """What SQLite says about pages, indexes and tables. Reads the whole file."""
    for message in connection.exec_driver_sql(f"PRAGMA integrity_check({MAX_MESSAGES})").scalars():
        lines = str(message).splitlines()
        yield from (line for line in lines if line != "ok" and not line.startswith("*** in database"))


def _types(table: Table, connection: Connection) -> Sequence[str]:
    counts = [func.coalesce(func.sum(case((_is_wrong(column), 1), else_=0)), 0) for column in table.c]
    return [
        f"{table.name}: {column.name} of another type (rows: {count:,})"
        for column, count in zip(table.c, connection.execute(select(*counts)).one(), strict=True)
        if count
    ]


def _is_wrong(column: Column[Any]) -> ColumnElement[bool]:
    allowed = ["text" if isinstance(column.type, String) else "integer"]
    return func.typeof(column).not_in([*allowed, "null"] if column.nullable else allowed)


CHECKS: Final[Sequence[Check]] = (_structure, *(partial(_types, table) for table in metadata.sorted_tables))
