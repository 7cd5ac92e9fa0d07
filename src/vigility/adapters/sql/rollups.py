"""Checking and repairing the daily rollup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Subquery, case, delete, func, insert, select

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import daily_rollup, events, features
from vigility.adapters.sql.values import INTEGER, NULL, SUM, TEXT, Shape, converting
from vigility.core.dimensions import Dimension
from vigility.core.reports.ports import FeatureUse, RollupDifference
from vigility.core.reports.rollups import DAILY, RollupKey
from vigility.core.times import MICROS_PER_DAY, day_from_number

# By number and in the order of the rollup, before the names are joined.
_BY_FEATURE: Final = (
    select(
        daily_rollup.c.feature_id,
        func.sum(daily_rollup.c["count"]).label("events"),
        func.min(daily_rollup.c.day).label("first"),
        func.max(daily_rollup.c.day).label("last"),
    )
    .group_by(daily_rollup.c.feature_id)
    .subquery()
)
_FEATURES: Final = select(
    features.c.name, _BY_FEATURE.c.events, _BY_FEATURE.c.first, _BY_FEATURE.c.last
).outerjoin_from(features, _BY_FEATURE, _BY_FEATURE.c.feature_id == features.c.id)

_NAMES: Final = Shape.of(features.c.id, features.c.name)
_ROWS: Final = Shape(daily_rollup.name, INTEGER, INTEGER, *[TEXT] * len(DAILY.dimensions), SUM)
_USES: Final = Shape(daily_rollup.name, TEXT, SUM | NULL, INTEGER | NULL, INTEGER | NULL)


class SqlRollups:
    """Implements `vigility.core.reports.ports.RollupMaintenance`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def verify(self) -> list[RollupDifference]:
        """See `RollupMaintenance.verify`."""
        with self._database.reading(no_timeout=True) as connection:
            in_rollup = _by_key(connection, select(daily_rollup))
            in_events = _by_key(connection, select(_counted_events()))
        return [
            RollupDifference(key=key, in_rollup=in_rollup.get(key, 0), in_events=in_events.get(key, 0))
            for key in sorted(in_rollup.keys() | in_events.keys())
            if in_rollup.get(key) != in_events.get(key)
        ]

    def rebuild(self) -> None:
        """See `RollupMaintenance.rebuild`."""
        with self._database.writing(no_timeout=True) as connection:
            self._database.lock_tables(connection, events, daily_rollup)
            connection.execute(delete(daily_rollup))
            columns = [column.name for column in daily_rollup.c]
            connection.execute(insert(daily_rollup).from_select(columns, select(_counted_events())))

    def features(self) -> Sequence[FeatureUse]:
        """See `RollupMaintenance.features`."""
        with self._database.reading(no_timeout=True) as connection:
            rows = _USES.check(connection.execute(_FEATURES).all())
            with converting(daily_rollup.name):
                return [
                    FeatureUse(
                        feature=name,
                        events=int(count or 0),
                        first_day=None if first is None else day_from_number(first),
                        last_day=None if last is None else day_from_number(last),
                    )
                    for name, count, first, last in rows
                ]

    def counts_upto(self, upto: int) -> Mapping[RollupKey, int]:
        """See `RollupMaintenance.counts_upto`. Reads the events above `upto`, which should be few."""
        with self._database.reading(no_timeout=True) as connection:
            stored = _by_key(connection, select(daily_rollup))
            later = _by_key(connection, select(_counted_events(events.c.id > upto)))
        return {key: left for key, count in stored.items() if (left := count - later.get(key, 0))}


def _counted_events(*chosen: ColumnElement[bool]) -> Subquery:
    """What the rows of the rollup should be, for all or for the chosen events: the events, grouped."""
    # Integer division rounds towards zero, and days before 1970 must round down.
    time_of_day = (events.c.at % MICROS_PER_DAY + MICROS_PER_DAY) % MICROS_PER_DAY
    day = ((events.c.at - time_of_day) // MICROS_PER_DAY).label("day")
    values = [_value_of(dimension).label(dimension.name) for dimension in DAILY.dimensions]
    keys = select(events.c.feature_id, day, *values).where(*chosen).subquery()
    return select(*keys.c, func.count().label("count")).group_by(*keys.c).subquery()


def _value_of(dimension: Dimension) -> ColumnElement[str]:
    """`Dimension.value_of` in SQL."""
    source = events.c[dimension.source]
    if dimension.bounds is None:
        return source
    below = zip(dimension.bounds, dimension.values, strict=False)
    return case(*((source < bound, value) for bound, value in below), else_=dimension.values[-1])


def _by_key(connection: Connection, query: Select[Any]) -> dict[RollupKey, int]:
    names = dict(_NAMES.check(connection.execute(select(features.c.id, features.c.name)).all()))
    rows = _ROWS.check(connection.execute(query).all())
    with converting(daily_rollup.name):
        return {
            RollupKey(names[number], day_from_number(day), tuple(values)): int(count)
            for number, day, *values, count in rows
        }
