"""Changing events that are stored: deleting them, and moving them to another feature.

Each change keeps every other writer out while it runs, so that none counts an event under a feature whose
row has just gone. So a change is of few thousand events, which the caller has found without the lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, exists, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import daily_rollup, events, features
from vigility.adapters.sql.values import Shape
from vigility.core.events.selection import EventSelection
from vigility.core.reports.rollups import DAILY
from vigility.core.times import CALENDAR, MICROS_PER_DAY

# Values in one IN list: SQLite allows 32,766 in a statement.
NAMES_PER_STATEMENT: Final = 10_000

_COUNTED: Final = (events.c.id, events.c.feature_id, events.c.at, events.c.age, events.c.gender)
_SHAPE: Final = Shape.of(*_COUNTED)
_KEYS: Final = tuple(daily_rollup.primary_key.columns)
# Built once: building a statement takes longer than a database takes to run it.
_ROW: Final = [column == bindparam(f"the_{column.name}") for column in _KEYS]
_TAKE: Final = update(daily_rollup).where(*_ROW).values(count=daily_rollup.c["count"] - bindparam("taken"))
_DROP_EMPTY: Final = delete(daily_rollup).where(*_ROW, daily_rollup.c["count"] <= 0)
_HAS_NO_ROLLUP: Final = ~exists(
    select(daily_rollup.c.feature_id).where(daily_rollup.c.feature_id == features.c.id)
)


def where(chosen: EventSelection) -> list[ColumnElement[bool]]:
    """The conditions of a selection."""
    conditions: list[ColumnElement[bool]] = []
    if chosen.is_named:
        named = [events.c.id.in_(chosen.ids)] if chosen.ids else []
        named += [events.c.event_id.in_(chosen.event_ids)] if chosen.event_ids else []
        conditions.append(or_(*named))
    if chosen.user_id is not None:
        conditions.append(events.c.user_id == chosen.user_id)
    if chosen.features:
        ids = select(features.c.id).where(features.c.name.in_(chosen.features))
        conditions.append(events.c.feature_id.in_(ids))
    if chosen.span != CALENDAR:
        conditions.append(events.c.at.between(*chosen.span))
    return conditions


def delete_events(database: Database, ids: Sequence[int], chosen: EventSelection) -> int:
    """See `EventLog.delete`."""
    with database.writing(no_timeout=True) as connection:
        found = _locked(database, connection, ids, chosen)
        if found:
            connection.execute(delete(events).where(events.c.id.in_([row.id for row in found])))
            _take_from_rollup(connection, found)
    return len(found)


def move_events(database: Database, ids: Sequence[int], chosen: EventSelection, feature: str) -> int:
    """See `EventLog.move`."""
    with database.writing(no_timeout=True) as connection:
        found = _locked(database, connection, ids, chosen)
        target = connection.execute(select(features.c.id).where(features.c.name == feature)).scalar()
        found = [row for row in found if target not in {None, row.feature_id}]
        if found:
            moved = update(events).where(events.c.id.in_([row.id for row in found]))
            connection.execute(moved.values(feature_id=target))
            _take_from_rollup(connection, found)
            counted = Counter((feature, *_key(row)[1:]) for row in found)
            database.add_to_rollups(connection, [(*key, count) for key, count in sorted(counted.items())])
    return len(found)


def rename_feature(database: Database, old: str, new: str) -> bool:
    """See `EventLog.rename_feature`."""
    with database.writing(no_timeout=True) as connection:
        # A writer that runs now may have looked up the old name, and has yet to count under it.
        database.lock_tables(connection, events, daily_rollup)
        if connection.execute(select(features.c.id).where(features.c.name == new)).first():
            return False
        renamed = connection.execute(update(features).where(features.c.name == old).values(name=new))
        return renamed.rowcount > 0


def drop_unused_features(database: Database) -> int:
    """See `EventLog.drop_unused_features`.

    The events are searched without a lock. Whatever came after that is looked at again under it.
    """
    searched = database.high_watermark()
    with database.reading(no_timeout=True) as connection:
        unused = set(connection.execute(select(features.c.id).where(_HAS_NO_ROLLUP)).scalars())
        if unused:  # if the rollup is damaged, a feature can have events and no row in it
            unused -= set(connection.execute(select(events.c.feature_id).distinct()).scalars())
    ids = sorted(unused)
    dropped = 0
    for start in range(0, len(ids), NAMES_PER_STATEMENT):
        with database.writing(no_timeout=True) as connection:
            database.lock_tables(connection, events, daily_rollup)
            dropped += _drop(connection, ids[start : start + NAMES_PER_STATEMENT], searched)
    return dropped


def _drop(connection: Connection, ids: Sequence[int], searched: int) -> int:
    later = select(events.c.feature_id).where(events.c.id > searched)
    unused = (features.c.id.in_(ids), _HAS_NO_ROLLUP, features.c.id.not_in(later))
    return connection.execute(delete(features).where(*unused)).rowcount


def _locked(
    database: Database, connection: Connection, ids: Sequence[int], chosen: EventSelection
) -> list[Row[Any]]:
    """Those of `ids` that are chosen, with every other writer kept out until the transaction ends."""
    database.lock_tables(connection, events, daily_rollup)
    found = connection.execute(select(*_COUNTED).where(events.c.id.in_(ids), *where(chosen)))
    return list(_SHAPE.check(found.all()))


def _take_from_rollup(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    taken = [
        {f"the_{column.name}": value for column, value in zip(_KEYS, key, strict=True)} | {"taken": count}
        for key, count in Counter(map(_key, rows)).items()
    ]
    connection.execute(_TAKE, taken)
    connection.execute(_DROP_EMPTY, taken)


def _key(row: Row[Any]) -> tuple[int | str, ...]:
    """The row of the rollup that counts an event: the id of its feature, its day, its dimensions."""
    values = (dimension.value_of(getattr(row, dimension.source)) for dimension in DAILY.dimensions)
    return (row.feature_id, row.at // MICROS_PER_DAY, *values)
