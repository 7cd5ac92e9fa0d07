"""The JSON of a report, as `GET /analytics` and `vigility report --json` send it. Imports the core only."""

from __future__ import annotations

from typing import TypedDict

from vigility.core.reports.report import Report


class FeatureCountJson(TypedDict):
    """A bar: how many events a feature has."""

    feature: str
    count: int


class DayCountJson(TypedDict):
    """A point of the line: how many events a UTC day has. `date` is YYYY-MM-DD."""

    date: str
    count: int


class AnalyticsJson(TypedDict):
    """A report as JSON."""

    barChartData: list[FeatureCountJson]
    lineChartData: list[DayCountJson]


def to_dict(report: Report) -> AnalyticsJson:
    """The report as JSON. The line is empty if no feature was chosen."""
    points = report.series[0].points if report.series else ()
    return {
        "barChartData": [{"feature": total.label, "count": total.value} for total in report.totals],
        "lineChartData": [{"date": point.start.isoformat(), "count": point.value} for point in points],
    }
