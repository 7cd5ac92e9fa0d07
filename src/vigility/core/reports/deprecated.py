"""Old names of reports. They work, with a DeprecationWarning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from vigility.core.deprecated import warn_deprecated
from vigility.core.dimensions import AgeGroup, Gender

if TYPE_CHECKING:
    from vigility.core.reports.query import Query
    from vigility.core.reports.rollups import RollupKey


@dataclass(frozen=True)
class FeatureCount:
    """Deprecated: see `Total`."""

    feature: str
    count: int


@dataclass(frozen=True)
class DayCount:
    """Deprecated: see `Point`."""

    day: date
    count: int


class DeprecatedReport:
    """The old attributes of `Report`."""

    __slots__ = ()

    if TYPE_CHECKING:
        query: Query
        totals: tuple[Any, ...]
        series: tuple[Any, ...]

    @property
    def feature(self) -> str | None:
        """Deprecated: see `Query.series_of`."""
        warn_deprecated("Report.feature", "Report.query.series_of")
        return next(iter(self.query.series_of), None)

    @property
    def features(self) -> tuple[FeatureCount, ...]:
        """Deprecated: see `Report.totals`."""
        warn_deprecated("Report.features", "Report.totals")
        return self._features()

    @property
    def days(self) -> tuple[DayCount, ...]:
        """Deprecated: see `Report.series`."""
        warn_deprecated("Report.days", "Report.series")
        return self._days()

    def as_answer(self) -> dict[str, list[dict[str, Any]]]:
        """Deprecated: see `Report.totals` and `Report.series`."""
        warn_deprecated("Report.as_answer()", "Report.totals and Report.series")
        return {
            "barChartData": [{"feature": bar.feature, "count": bar.count} for bar in self._features()],
            "lineChartData": [{"date": day.day.isoformat(), "count": day.count} for day in self._days()],
        }

    def _features(self) -> tuple[FeatureCount, ...]:
        return tuple(FeatureCount(total.label, total.value) for total in self.totals)

    def _days(self) -> tuple[DayCount, ...]:
        points = self.series[0].points if self.series else ()
        return tuple(DayCount(point.start, point.value) for point in points)


class DeprecatedRollupDifference:
    """The old attributes of `RollupDifference`."""

    __slots__ = ()

    if TYPE_CHECKING:
        key: RollupKey
        in_rollup: int

    @property
    def day(self) -> date:
        """Deprecated: see `RollupDifference.key`."""
        warn_deprecated("RollupDifference.day", "RollupDifference.key.day")
        return self.key.day

    @property
    def feature(self) -> str:
        """Deprecated: see `RollupDifference.key`."""
        warn_deprecated("RollupDifference.feature", "RollupDifference.key.feature")
        return self.key.feature

    @property
    def age_group(self) -> AgeGroup:
        """Deprecated: see `RollupDifference.key`."""
        warn_deprecated("RollupDifference.age_group", "RollupDifference.key.values")
        return AgeGroup(self.key.values[0])

    @property
    def gender(self) -> Gender:
        """Deprecated: see `RollupDifference.key`."""
        warn_deprecated("RollupDifference.gender", "RollupDifference.key.values")
        return Gender(self.key.values[1])

    @property
    def in_summary(self) -> int:
        """Deprecated: see `RollupDifference.in_rollup`."""
        warn_deprecated("RollupDifference.in_summary", "RollupDifference.in_rollup")
        return self.in_rollup
