"""The JSON of a report, as `GET /analytics` and `vigility report --json` send it. Imports the core only."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from vigility.core.reports.report import Report


class FeatureCountJson(TypedDict):
    """A bar: how many events a feature has."""

    feature: str
    count: int


class DayCountJson(TypedDict):
    """A point of the line: how many events a UTC day has. `date` is YYYY-MM-DD."""

    date: str
    count: int


class RestJson(TypedDict):
    """The features that have no bar because of the limit, and how many events they have together."""

    features: int
    count: int


class DaysJson(TypedDict):
    """The whole range of days, of which the line shows a part. Each is YYYY-MM-DD."""

    startDate: str
    endDate: str


class AnalyticsJson(TypedDict):
    """A report as JSON. `rest` and `truncated` are there only if something is left out."""

    barChartData: list[FeatureCountJson]
    lineChartData: list[DayCountJson]
    rest: NotRequired[RestJson]
    truncated: NotRequired[DaysJson]


def to_dict(report: Report) -> AnalyticsJson:
    """The report as JSON. The line is empty if no feature was chosen."""
    points = report.series[0].points if report.series else ()
    found: AnalyticsJson = {
        "barChartData": [{"feature": total.label, "count": total.value} for total in report.totals],
        "lineChartData": [{"date": point.start.isoformat(), "count": point.value} for point in points],
    }
    if report.rest:
        found["rest"] = {"features": report.rest.groups, "count": report.rest.value}
    if report.truncated:
        first, last = report.truncated
        found["truncated"] = {"startDate": first.isoformat(), "endDate": last.isoformat()}
    return found
