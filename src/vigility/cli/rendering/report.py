"""A report in a terminal: a table with bars and the days of the chosen feature, if there is one."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from vigility.cli.pluralize import pluralize
from vigility.cli.rendering.bars import ShareBar
from vigility.cli.rendering.days import day_view
from vigility.cli.rendering.terminal import NARROW, ByWidth, name, plain_table
from vigility.core.reports.report import Report, Series


def report_view(report: Report) -> Iterator[RenderableType]:
    """Yield the parts of a report. The report must have events."""
    yield Text(f"Events per feature: {report.filters.describe()}", style="bold")
    yield Text()
    yield ByWidth(lambda width: _feature_table(report, width))
    yield Text()
    features = len(report.totals) + (report.rest.groups if report.rest else 0)
    yield Text(f"{pluralize(report.total, 'event')} of {pluralize(features, 'feature')}")
    for series in report.series:
        yield Text()
        yield from _days(series)
    if report.truncated:
        first, last = report.truncated
        yield Text()
        yield Text(f"Not all days from {first} to {last} are shown. To see others, use --start and --end.")


def _feature_table(report: Report, width: int) -> Table:
    narrow = width < NARROW
    table = plain_table()
    table.add_column("Feature", overflow="fold", min_width=None if narrow else 16)
    table.add_column("Events", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("Share", justify="right", no_wrap=True)
        table.add_column("")
    highest = report.totals[0].value
    for total in report.totals:
        shares: tuple[str | ShareBar, ...] = (
            share(total.value, report.total),
            ShareBar(total.value / highest),
        )
        shares = () if narrow else shares
        table.add_row(name(total.label), f"{total.value:,}", *shares)
    if report.rest:
        other = f"other ({pluralize(report.rest.groups, 'feature')})"
        shares = () if narrow else (share(report.rest.value, report.total), "")
        table.add_row(Text(other, style="dim"), f"{report.rest.value:,}", *shares)
    return table


def share(count: int, total: int) -> str:
    """Format a share in percent: "12.5 %", "< 0.1 %"."""
    percent = 100 * count / total
    return "< 0.1 %" if 0 < percent < 0.05 else f"{percent:.1f} %"  # noqa: PLR2004 - it would be shown as 0.0


def _days(series: Series) -> Iterator[RenderableType]:
    feature, points = series.label, series.points
    if not points:
        yield Text(f"{feature} has no days to show: it was never tracked, or not in these days.")
        return
    first, last = points[0].start, points[-1].start
    yield Text(f"{feature} per day, {first} to {last}", style="bold")
    yield Text()
    peak = max(points, key=lambda point: point.value)
    if peak.value == 0:
        yield Text(f"{feature} has no events under these filters.")
        return
    yield day_view(points)
    yield Text()
    events = sum(point.value for point in points)
    summary = f"{pluralize(events, 'event')} in {pluralize(len(points), 'day')}"
    yield Text(f"{summary}, most on {peak.start}: {peak.value:,}")
