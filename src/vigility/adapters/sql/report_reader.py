"""Reading reports from the daily rollup. No report reads an event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from sqlalchemy import Connection

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.report_statements import (
    MAX_FEATURES,
    SPAN,
    Parameters,
    Statements,
    parameters_of,
    statements_for,
)
from vigility.adapters.sql.schema import daily_rollup, features
from vigility.adapters.sql.values import INTEGER, NULL, SUM, TEXT, Shape, converting
from vigility.core.reports.ports import Counts, Group, Rest
from vigility.core.reports.query import Query
from vigility.core.times import day_from_number

_TOTALS: Final = Shape(features.name, TEXT, SUM)
_ALL_TOTALS: Final = Shape(daily_rollup.name, INTEGER, SUM | NULL)
_DAYS: Final = Shape(daily_rollup.name, INTEGER, SUM)
_SPAN: Final = Shape(daily_rollup.name, INTEGER | NULL, INTEGER | NULL, INTEGER | NULL)


class SqlReportReader:
    """Implements `vigility.core.reports.ports.ReportReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, query: Query) -> Counts:
        """See `ReportReader.read`."""
        given = parameters_of(query.filters)
        statements = statements_for(frozenset(given), self._database.code_point_collation)
        with (
            self._database.reading() as connection,
            self._database.limited(connection),
            converting(daily_rollup.name),
        ):
            totals, rest = _totals(connection, statements, given, query.limit)
            series: dict[Group, Mapping[date, int]] = {}
            first = last = None
            for feature in query.series_of:
                found = _SPAN.check(connection.execute(SPAN, {"feature": feature}).all())
                number, first_day, last_day = found[0]
                if number is not None:
                    series[feature,] = _days(connection, statements, {**given, "feature_id": number})
                    first, last = day_from_number(first_day), day_from_number(last_day)
        return Counts(totals=totals, series=series, first_day=first, last_day=last, rest=rest)


def _totals(
    connection: Connection, statements: Statements, given: Parameters, limit: int | None
) -> tuple[dict[Group, int], Rest | None]:
    """The totals, at most `limit` of them, and what that leaves out."""
    if limit is None:
        found = connection.execute(statements.totals, given)
    else:
        found = connection.execute(statements.first_totals, {**given, "limit": min(limit, MAX_FEATURES)})
    totals: dict[Group, int] = {(name,): int(count) for name, count in _TOTALS.check(found.all())}
    if limit is None or len(totals) < limit:
        return totals, None
    groups, value = _ALL_TOTALS.check(connection.execute(statements.all_totals, given).all())[0]
    rest = Rest(groups - len(totals), int(value) - sum(totals.values()))
    return totals, rest if rest.groups else None


def _days(connection: Connection, statements: Statements, parameters: Parameters) -> dict[date, int]:
    found = _DAYS.check(connection.execute(statements.days, parameters).all())
    return {day_from_number(day): int(count) for day, count in found}
