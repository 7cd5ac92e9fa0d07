"""Reading reports from the daily rollup. No report reads an event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Subquery, bindparam, collate, func, select

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import daily_rollup, features
from vigility.adapters.sql.values import INTEGER, NULL, SUM, TEXT, Shape, converting
from vigility.core.reports.filters import Filters
from vigility.core.reports.ports import Counts, Group, Rest
from vigility.core.reports.query import Query
from vigility.core.times import day_from_number, day_number

_TOTALS: Final = Shape(features.name, TEXT, SUM)
_REST: Final = Shape(daily_rollup.name, INTEGER, SUM | NULL)
_DAYS: Final = Shape(daily_rollup.name, INTEGER, SUM)
_DAYS_OF: Final = Shape(daily_rollup.name, INTEGER | NULL, INTEGER | NULL, INTEGER | NULL)


class SqlReportReader:
    """Implements `vigility.core.reports.ports.ReportReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, query: Query) -> Counts:
        """See `ReportReader.read`."""
        selected = _selected(query.filters)
        with (
            self._database.reading() as connection,
            self._database.limited(connection),
            converting(daily_rollup.name),
        ):
            totals, rest = self._totals(connection, selected, query.limit)
            series: dict[Group, Mapping[date, int]] = {}
            first = last = None
            for feature in query.series_of:
                found = _DAYS_OF.check(connection.execute(_SPAN, {"feature": feature}).all())
                number, first_day, last_day = found[0]
                if number is not None:
                    series[feature,] = _days(connection, number, selected)
                    first, last = day_from_number(first_day), day_from_number(last_day)
        return Counts(totals=totals, series=series, first_day=first, last_day=last, rest=rest)

    def _totals(
        self, connection: Connection, selected: list[ColumnElement[bool]], limit: int | None
    ) -> tuple[dict[Group, int], Rest | None]:
        """The totals, at most `limit` of them, and what that leaves out."""
        by_id = _by_id(selected)
        query = select(features.c.name, by_id.c["count"]).join(by_id, by_id.c.feature_id == features.c.id)
        if limit is not None:
            # As the core ranks them: by code points, not as people in some country sort names.
            name = collate(features.c.name, self._database.code_point_collation)
            query = query.order_by(by_id.c["count"].desc(), name).limit(limit)
        totals: dict[Group, int] = {
            (name,): int(count) for name, count in _TOTALS.check(connection.execute(query).all())
        }
        if limit is None or len(totals) < limit:
            return totals, None
        query = select(func.count(), func.sum(by_id.c["count"]))
        groups, value = _REST.check(connection.execute(query).all())[0]
        rest = Rest(groups - len(totals), int(value) - sum(totals.values()))
        return totals, rest if rest.groups else None


def _by_id(selected: list[ColumnElement[bool]]) -> Subquery:
    # Grouped before the names are joined: by numbers, in the order in which the table lies.
    return (
        select(daily_rollup.c.feature_id, func.sum(daily_rollup.c["count"]).label("count"))
        .where(*selected)
        .group_by(daily_rollup.c.feature_id)
        .subquery()
    )


def _days(connection: Connection, number: int, selected: list[ColumnElement[bool]]) -> dict[date, int]:
    by_day = connection.execute(
        select(daily_rollup.c.day, func.sum(daily_rollup.c["count"]))
        .where(daily_rollup.c.feature_id == number, *selected)
        .group_by(daily_rollup.c.day)
    )
    return {day_from_number(day): int(count) for day, count in _DAYS.check(by_day.all())}


def _selected(filters: Filters) -> list[ColumnElement[bool]]:
    columns = daily_rollup.c
    chosen: list[ColumnElement[bool]] = []
    if filters.start:
        chosen.append(columns.day >= day_number(filters.start))
    if filters.end:
        chosen.append(columns.day <= day_number(filters.end))
    chosen += [columns[name] == value for name, value in filters.values]
    return chosen


def _span() -> Select[Any]:
    """The id of a feature, and the first and the last day of any event.

    Two seeks for each feature, however many rows there are.
    """
    per_feature = [
        select(edge(daily_rollup.c.day))
        .where(daily_rollup.c.feature_id == features.c.id)
        .correlate(features)
        .scalar_subquery()
        for edge in (func.min, func.max)
    ]
    first, last = per_feature
    named = select(features.c.id).where(features.c.name == bindparam("feature")).scalar_subquery()
    return select(named, func.min(first), func.max(last)).select_from(features)


# Built once: building it takes longer than a database takes to run it.
_SPAN: Final = _span()
