"""The statements that read reports.

Each is built once, with a parameter for each filter: building takes longer than a database takes to run it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, String, Subquery, bindparam, collate, func, select

from vigility.adapters.sql.schema import daily_rollup, features
from vigility.core.reports.filters import Filters
from vigility.core.reports.rollups import DAILY
from vigility.core.times import day_number

# There are never more features: this is the highest id that one can have on PostgreSQL.
MAX_FEATURES: Final = 2**31 - 1

Parameters = dict[str, int | str]
"""A value for each parameter of a statement."""

_CONDITIONS: Final = {
    "start": daily_rollup.c.day >= bindparam("start", type_=Integer),
    "end": daily_rollup.c.day <= bindparam("end", type_=Integer),
} | {
    dimension.name: daily_rollup.c[dimension.name] == bindparam(dimension.name, type_=String)
    for dimension in DAILY.dimensions
}
"""What each filter selects. Each condition takes one parameter, which has the filter's name."""


def parameters_of(filters: Filters) -> Parameters:
    """The parameters of the filters that are given. Their names say which statements take them."""
    given: Parameters = dict(filters.values)
    if filters.start:
        given["start"] = day_number(filters.start)
    if filters.end:
        given["end"] = day_number(filters.end)
    return given


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of all reports with the same filters, whatever their values.

    Attributes:
        totals: a feature's name and its events, for each feature that has some.
        first_totals: the first `limit` of these: events descending, then name ascending by code points.
        all_totals: how many features have events, and how many events they have together.
        days: a day's number and its events, for each day on which the feature with the id `feature_id` has
            some.
    """

    totals: Select[str, Any]
    first_totals: Select[str, Any]
    all_totals: Select[int, Any]
    days: Select[int, Any]


# Bounded: which filters are given, times the two databases.
@cache
def statements_for(filtered: frozenset[str], code_point_collation: str) -> Statements:
    """The statements of reports under these filters."""
    by_id = _by_id(filtered)
    totals = select(features.c.name, by_id.c["count"]).join(by_id, by_id.c.feature_id == features.c.id)
    # As the core ranks them: by code points, not as people in some country sort names.
    name = collate(features.c.name, code_point_collation)
    return Statements(
        totals=totals,
        first_totals=totals.order_by(by_id.c["count"].desc(), name).limit(bindparam("limit", type_=Integer)),
        all_totals=select(func.count(), func.sum(by_id.c["count"])),
        days=(
            select(daily_rollup.c.day, func.sum(daily_rollup.c["count"]))
            .where(daily_rollup.c.feature_id == bindparam("feature_id"), *_conditions(filtered))
            .group_by(daily_rollup.c.day)
        ),
    )


def _by_id(filtered: frozenset[str]) -> Subquery:
    # Grouped before the names are joined: by numbers, in the order in which the table lies.
    return (
        select(daily_rollup.c.feature_id, func.sum(daily_rollup.c["count"]).label("count"))
        .where(*_conditions(filtered))
        .group_by(daily_rollup.c.feature_id)
        .subquery()
    )


def _conditions(filtered: frozenset[str]) -> list[ColumnElement[bool]]:
    return [condition for name, condition in _CONDITIONS.items() if name in filtered]


def _span() -> Select[Any, Any, Any]:
    # Two seeks for each feature, however many rows there are.
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


SPAN: Final = _span()
"""The id of the feature with the name `feature`, and the first and the last day of any event."""
