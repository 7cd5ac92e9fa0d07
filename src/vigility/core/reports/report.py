"""Reports: how often each feature was used, and on which days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import repeat
from typing import TypedDict

from vigility.core.reports.filters import Filters


@dataclass(frozen=True, slots=True)
class FeatureCount:
    """How many events a feature has."""

    feature: str
    count: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many events of the chosen feature a UTC day has; 0 for a day without any."""

    day: date
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a store reads for a report, all of it from one moment of the store.

    `by_feature` holds the features that have events under the filters; `by_day` the days of the
    chosen feature that have some. `first_day` and `last_day` are the first and last day of any event
    in the store, whatever the filters; `feature_known` says whether the chosen feature was ever
    tracked.
    """

    by_feature: Mapping[str, int]
    by_day: Mapping[date, int]
    first_day: date | None
    last_day: date | None
    feature_known: bool


class BarEntry(TypedDict):
    """One bar of the contract's `barChartData`."""

    feature: str
    count: int


class LineEntry(TypedDict):
    """One point of the contract's `lineChartData`; the date as YYYY-MM-DD."""

    date: str
    count: int


class AnalyticsJson(TypedDict):
    """The body of `GET /analytics`."""

    barChartData: list[BarEntry]
    lineChartData: list[LineEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Events counted per feature and, where a feature was chosen, per day of that feature.

    `features`: count descending, then name ascending; features without events under the filters are
    left out. `days`: every UTC day of the shown range, ascending; empty without a chosen feature or
    with one that was never tracked.
    """

    filters: Filters
    feature: str | None
    features: tuple[FeatureCount, ...]
    days: tuple[DayCount, ...]

    @property
    def total(self) -> int:
        """Events under the filters, of all features."""
        return sum(entry.count for entry in self.features)

    def to_dict(self) -> AnalyticsJson:
        """The report as `GET /analytics` and `vigility report --json` answer it."""
        return {
            "barChartData": [{"feature": bar.feature, "count": bar.count} for bar in self.features],
            "lineChartData": [{"date": point.day.isoformat(), "count": point.count} for point in self.days],
        }


def build_report(filters: Filters, feature: str | None, counts: Counts, today: date) -> Report:
    """Order the features and fill the days without events with zeros.

    `today` is the UTC day on which the report is made: without an end filter the days reach at
    least to it.
    """
    return Report(
        filters=filters,
        feature=feature,
        features=_ranked(counts.by_feature),
        days=_filled(_shown_days(filters, counts, today), counts.by_day),
    )


def _ranked(by_feature: Mapping[str, int]) -> tuple[FeatureCount, ...]:
    # Ordered here and not by the database: each of them has a collation of its own.
    ranked = sorted(by_feature.items(), key=lambda item: (-item[1], item[0]))
    return tuple(FeatureCount(feature, count) for feature, count in ranked)


def _filled(days: Sequence[date], by_day: Mapping[date, int]) -> tuple[DayCount, ...]:
    # By columns: one event with a wrong year makes a series of millions of days.
    return tuple(map(DayCount, days, map(by_day.get, days, repeat(0))))


def _shown_days(filters: Filters, counts: Counts, today: date) -> Sequence[date]:
    """From the later of the start filter and the first stored day, to the earlier of the end filter
    and the later of today and the last stored day."""
    if not counts.feature_known or counts.first_day is None or counts.last_day is None:
        return ()
    start = max(filters.start or date.min, counts.first_day)
    end = min(filters.end or date.max, max(today, counts.last_day))
    return list(map(date.fromordinal, range(start.toordinal(), end.toordinal() + 1)))
