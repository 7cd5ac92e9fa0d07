"""Reports: totals, and series over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import repeat
from typing import NamedTuple

from vigility.core.reports.deprecated import DeprecatedReport
from vigility.core.reports.filters import Filters
from vigility.core.reports.ports import Counts, Group, Rest
from vigility.core.reports.query import EVENTS, Query
from vigility.core.reports.shown_days import DayRange, bounded


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

    `points` holds every day of the range that is shown (see `Report.truncated`), and nothing if the feature
    was never tracked.
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
            ascending. With `query.limit`, the first so many.
        rest: how many groups the limit leaves out, and their value; None if it leaves out none.
        series: one for each feature of `query.series_of`, in that order.
        truncated: the whole range of days, if it is longer than 11,000 days (thirty years). Then the series
            show only the days up to today or, if those have no events, the days with the most. To see others,
            choose a start or an end. None if the series show all days.
        as_of: when the report was made (UTC). It includes every event that was stored before. Two reports
            are equal whenever they were made.
    """

    query: Query
    totals: tuple[Total, ...]
    series: tuple[Series, ...]
    as_of: datetime = field(compare=False)
    rest: Rest | None = None
    truncated: DayRange | None = None

    @property
    def filters(self) -> Filters:
        """The filters of the query."""
        return self.query.filters

    @property
    def total(self) -> int:
        """Events under the filters, of all features, also of those that the limit leaves out."""
        return sum(total.value for total in self.totals) + (self.rest.value if self.rest else 0)


def build_report(query: Query, counts: Counts, now: datetime) -> Report:
    """Rank the totals, and fill the days without events with zeros.

    Without an end filter, series reach at least to the UTC day of `now`.
    """
    as_of = now.astimezone(UTC)
    whole = _range(query.filters, counts, as_of.date())
    shown = whole and bounded(whole, as_of.date(), counts.series.values())
    days = shown.days if shown else ()
    totals = _ranked(counts.totals)
    kept = totals[: query.limit]
    return Report(
        query=query,
        totals=kept,
        rest=_rest(totals[len(kept) :], counts.rest),
        series=tuple(_series((feature,), counts, days) for feature in query.series_of),
        truncated=whole if whole != shown else None,
        as_of=as_of,
    )


def _ranked(totals: Mapping[Group, int]) -> tuple[Total, ...]:
    # Ordered here and not by the database: each database has its own collation.
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Total(EVENTS, group, value) for group, value in ranked)


def _rest(left_out: Sequence[Total], not_read: Rest | None) -> Rest | None:
    """What the limit leaves out of the totals that were read, and what was not even read."""
    groups, value = not_read or (0, 0)
    groups += len(left_out)
    return Rest(groups, value + sum(total.value for total in left_out)) if groups else None


def _series(group: Group, counts: Counts, days: Sequence[date]) -> Series:
    by_day = counts.series.get(group)
    if by_day is None:
        return Series(EVENTS, group, ())
    return Series(EVENTS, group, tuple(map(Point, days, map(by_day.get, days, repeat(0)))))


def _range(filters: Filters, counts: Counts, today: date) -> DayRange | None:
    """From the later of the start filter and the first stored day, to the earlier of the end filter and
    the later of today and the last stored day. The end can be before the start.
    """
    if counts.first_day is None or counts.last_day is None:
        return None
    start = max(filters.start or date.min, counts.first_day)
    return DayRange(start, min(filters.end or date.max, max(today, counts.last_day)))
