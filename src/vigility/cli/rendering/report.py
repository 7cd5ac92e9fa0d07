"""A report in a terminal: a table with bars and, for a chosen feature, its days."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from vigility.cli.rendering.bars import ShareBar
from vigility.cli.rendering.days import day_view
from vigility.cli.rendering.terminal import NARROW, ByWidth, name, plain_table
from vigility.cli.pluralize import pluralize
from vigility.core.reports.report import Report


def report_view(report: Report) -> Iterator[RenderableType]:
    """The parts of a report that has events."""
    yield Text(f"Events per feature: {report.filters.in_words()}", style="bold")
    yield Text()
    yield ByWidth(lambda width: _feature_table(report, width))
    yield Text()
    yield Text(f"{counted(report.total, 'event')} of {counted(len(report.features), 'feature')}")
    if report.feature is not None:
        yield Text()
        yield from _days(report, report.feature)


def _feature_table(report: Report, width: int) -> Table:
    narrow = width < NARROW
    table = plain_table()
    table.add_column("Feature", overflow="fold", min_width=None if narrow else 16)
    table.add_column("Events", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("Share", justify="right", no_wrap=True)
        table.add_column("")
    most, total = report.features[0].count, report.total
    for entry in report.features:
        shares = () if narrow else (share(entry.count, total), ShareBar(entry.count / most))
        table.add_row(name(entry.feature), f"{entry.count:,}", *shares)
    return table


def share(count: int, total: int) -> str:
    """A part of a whole in percent: "12.5 %", "< 0.1 %"."""
    percent = 100 * count / total
    return "< 0.1 %" if 0 < percent < 0.05 else f"{percent:.1f} %"  # noqa: PLR2004 - what would show as 0.0


def _days(report: Report, feature: str) -> Iterator[RenderableType]:
    if not report.days:
        yield Text(f"{feature} has no days to show: it was never tracked, or not in these days.")
        return
    first, last = report.days[0].day, report.days[-1].day
    yield Text(f"{feature} per day, {first} to {last}", style="bold")
    yield Text()
    peak = max(report.days, key=lambda entry: entry.count)
    if peak.count == 0:
        yield Text(f"{feature} has no events under these filters.")
        return
    yield day_view(report.days)
    yield Text()
    events = sum(entry.count for entry in report.days)
    said = f"{counted(events, 'event')} in {counted(len(report.days), 'day')}"
    yield Text(f"{said}, most on {peak.day}: {peak.count:,}")
