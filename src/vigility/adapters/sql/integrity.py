"""Finding damage: what a database holds although vigility cannot have written it.

Not every damage can be found: a value that was changed into another possible one looks like any other.
docs/durability.md says what is found, and what is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, exists, func, select

from vigility.adapters.sql.database import Check, Database
from vigility.adapters.sql.rollups import SqlRollups
from vigility.adapters.sql.schema import daily_rollup, events, metadata, users
from vigility.core.dimensions import Gender
from vigility.core.errors import StoreDamaged
from vigility.core.validators import MAX_AGE, MIN_AGE

_PEOPLE: Final = (users, events)
"""The tables that have an age and a gender."""


def problems_of(database: Database) -> list[str]:
    """One sentence for each problem; empty if none is found. Reads everything, in a transaction a check.

    Raises StoreError if the database cannot be read for another reason than damage.
    """
    checks = (*database.checks, _orphans, _impossible_values)
    found = [problem for check in checks for problem in _found_by(database, check)]
    return list(dict.fromkeys([*found, *_differing_rollups(database)]))


def _found_by(database: Database, check: Check) -> Sequence[str]:
    found: list[str] = []
    try:
        with database.reading(no_timeout=True) as connection:
            for problem in check(connection):
                found.append(problem)  # noqa: PERF402 - one by one: what comes before an error is kept
    except StoreDamaged as error:
        found.append(str(error))
    return found


def _orphans(connection: Connection) -> Sequence[str]:
    """Rows whose user or feature does not exist. SQLite checks this when it writes; a server may not."""
    return [
        f"{table.name}: {key.parent.name} that is not in {key.column.table.name} (rows: {count:,})"
        for table in metadata.sorted_tables
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
        if (count := _count(connection, table, ~exists().where(key.column == key.parent)))
    ]


def _impossible_values(connection: Connection) -> Sequence[str]:
    """Values of the right type that no rule allows."""
    allowed: list[tuple[Table, ColumnElement[bool], str]] = []
    for table in _PEOPLE:
        genders, ages = table.c.gender.in_(list(Gender)), table.c.age.between(MIN_AGE, MAX_AGE)
        allowed.append((table, genders, f"a gender other than {', '.join(Gender)}"))
        allowed.append((table, ages, f"an age that is not from {MIN_AGE} to {MAX_AGE}"))
    allowed.append((daily_rollup, daily_rollup.c["count"] >= 1, "a count below 1"))
    return [
        f"{table.name}: {other} (rows: {count:,})"
        for table, condition, other in allowed
        if (count := _count(connection, table, ~condition))
    ]


def _differing_rollups(database: Database) -> Iterator[str]:
    try:
        differing = len(SqlRollups(database).verify())
    except StoreDamaged as error:
        yield str(error)
        return
    if differing:
        different = f"other counts than the events have (rows: {differing:,})"
        yield f"{daily_rollup.name}: {different}: see vigility summaries verify"


def _count(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one()
