"""Reports: totals, and series over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import repeat
from typing import NamedTuple

from vigility.core.reports.deprecated import DeprecatedReport
from vigility.core.reports.filters import Filters
from vigility.core.reports.ports import Counts, Group
from vigility.core.reports.query import EVENTS, Query


class Total(NamedTuple):
    """The value of a metric for one group, over all days of the query."""

    metric: str
    group: Group
    value: int

    @property
    def label(self) -> str:
        """The group as text: the name of the feature."""
        return ", ".join(self.group)


class Point(NamedTuple):
    """The value of a metric in one interval. `start` is its first day; days without events have 0."""

    start: date
    value: int


class Series(NamedTuple):
    """The values of a metric for one group over time, days ascending.

    `points` holds every day of the range that is shown, and nothing if the feature was never tracked.
    """

    metric: str
    group: Group
    points: tuple[Point, ...]

    @property
    def label(self) -> str:
        """The group as text: the name of the feature."""
        return ", ".join(self.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(DeprecatedReport):
    """The answer to a query.

    Attributes:
        query: what was asked.
        totals: one for each group that has events under the filters; value descending, then group
            ascending.
        series: one for each feature of `query.series_of`, in that order.
        as_of: when the report was made (UTC). It includes every event that was stored before. Two reports
            are equal whenever they were made.
    """

    query: Query
    totals: tuple[Total, ...]
    series: tuple[Series, ...]
    as_of: datetime = field(compare=False)

    @property
    def filters(self) -> Filters:
        """The filters of the query."""
        return self.query.filters

    @property
    def total(self) -> int:
        """Events under the filters, of all features."""
        return sum(total.value for total in self.totals)


def build_report(query: Query, counts: Counts, now: datetime) -> Report:
    """Rank the totals, and fill the days without events with zeros.

    Without an end filter, series reach at least to the UTC day of `now`.
    """
    as_of = now.astimezone(UTC)
    days = _shown_days(query.filters, counts, as_of.date())
    return Report(
        query=query,
        totals=_ranked(counts.totals),
        series=tuple(_series((feature,), counts, days) for feature in query.series_of),
        as_of=as_of,
    )


def _ranked(totals: Mapping[Group, int]) -> tuple[Total, ...]:
    # Ordered here and not by the database: each database has its own collation.
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Total(EVENTS, group, value) for group, value in ranked)


def _series(group: Group, counts: Counts, days: Sequence[date]) -> Series:
    by_day = counts.series.get(group)
    if by_day is None:
        return Series(EVENTS, group, ())
    # By columns: one event with a wrong year makes a series of millions of days.
    return Series(EVENTS, group, tuple(map(Point, days, map(by_day.get, days, repeat(0)))))


def _shown_days(filters: Filters, counts: Counts, today: date) -> Sequence[date]:
    """From the later of the start filter and the first stored day, to the earlier of the end filter and
    the later of today and the last stored day.
    """
    if counts.first_day is None or counts.last_day is None:
        return ()
    start = max(filters.start or date.min, counts.first_day)
    end = min(filters.end or date.max, max(today, counts.last_day))
    return list(map(date.fromordinal, range(start.toordinal(), end.toordinal() + 1)))
