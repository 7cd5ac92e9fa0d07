"""A feature's days in a terminal: a table if they are few, otherwise a column chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from vigility.cli.rendering.bars import BAR_STYLE, ShareBar
from vigility.cli.rendering.terminal import NARROW, ByWidth, plain_table
from vigility.core.reports.report import Point

FEW_DAYS: Final = 14
HEIGHT: Final = 8

# A column is one day if all days fit, otherwise whole weeks, so that weekends do not make a pattern.
_WEEKS: Final = (1, 2, 4, 13, 26, 52, 104, 260, 520, 1040, 2600, 5200, 10_400, 26_000, 52_000, 104_000)

_LEVELS: Final = " ▁▂▃▄▅▆▇█"
_WIDEST_COLUMN: Final = 4
_DATE: Final = 10


class Column(NamedTuple):
    """Consecutive days that are one column of the chart."""

    first: date
    events: int


def day_view(points: Sequence[Point]) -> RenderableType:
    """Return a table or a chart, by the number of days."""
    if len(points) > FEW_DAYS:
        return DayChart(points)
    return ByWidth(lambda width: _day_table(points, width))


def _day_table(points: Sequence[Point], width: int) -> Table:
    narrow = width < NARROW
    table = plain_table()
    table.add_column("Day", no_wrap=True)
    table.add_column("Events", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("")
    peak = max(point.value for point in points)
    for point in points:
        bars = () if narrow else (ShareBar(point.value / peak if peak else 0),)
        table.add_row(point.start.isoformat(), f"{point.value:,}", *bars)
    return table


def group_days(points: Sequence[Point], at_most: int) -> tuple[int, list[Column]]:
    """Group the days into `at_most` columns; return the number of days per column, and the columns.

    The groups are counted back from the last day, so only the first column may have fewer days.
    """
    sizes = (1, *(7 * weeks for weeks in _WEEKS))
    size = next((size for size in sizes if -(-len(points) // size) <= at_most), len(points))
    starts = range(len(points) % size - size if len(points) % size else 0, len(points), size)
    groups = (points[max(0, start) : start + size] for start in starts)
    return size, [Column(group[0].start, sum(point.value for point in group)) for group in groups]


class DayChart:
    """A column chart over an axis of dates, as wide as the terminal allows."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        size, columns, margin = self._fit(options.max_width)
        wide = max(1, min(_WIDEST_COLUMN, (options.max_width - margin) // len(columns)))
        yield from _plot(columns, wide, margin, ascii_only=options.ascii_only)
        yield Text(" " * margin + _dates([column.first for column in columns], wide), style="dim")
        if size > 1:
            yield Text(self._describe_columns(size), style="dim")

    def _fit(self, width: int) -> tuple[int, list[Column], int]:
        """Return the days per column, the columns, and the left margin for the label of the highest one."""
        margin = 2
        while True:
            size, columns = group_days(self._points, max(1, width - margin))
            needed = len(f"{max(column.events for column in columns):,}") + 2
            if needed <= margin or margin >= width:
                return size, columns, margin
            margin = needed

    def _describe_columns(self, size: int) -> str:
        first = len(self._points) % size
        return f"Each column is {size} days" + (f", the first {first}." if first else ".")


def _plot(columns: Sequence[Column], wide: int, margin: int, *, ascii_only: bool) -> Iterator[Text]:
    peak = max(column.events for column in columns)
    levels = [max(round(column.events / peak * HEIGHT * 8), column.events > 0) for column in columns]
    for row in range(HEIGHT - 1, -1, -1):
        label = f"{peak:,}" if row == HEIGHT - 1 else ""
        cells = (_cell(level - row * 8, wide, ascii_only=ascii_only) for level in levels)
        yield Text.assemble(f"{label:>{margin - 1}} ", ("".join(cells).rstrip(), BAR_STYLE), no_wrap=True)
    rule = ("-" if ascii_only else "─") * (wide * len(columns))
    yield Text(f"{'0':>{margin - 1}} {rule}", no_wrap=True)


def _cell(level: int, wide: int, *, ascii_only: bool) -> str:
    """Return one row of one column. Columns wider than one character have a gap after them."""
    filled = max(0, min(8, level))
    character = ("#" if filled else " ") if ascii_only else _LEVELS[filled]
    return character if wide == 1 else character * (wide - 1) + " "


def _dates(firsts: Sequence[date], wide: int) -> str:
    """Return the axis with the dates of the first column, the last one and some between, never adjacent."""
    width = wide * len(firsts)
    line = [" "] * max(width, _DATE)
    last = max(0, width - _DATE)
    line[last : last + _DATE] = firsts[-1].isoformat()
    step = max(1, -(-(_DATE + 4) // wide))
    for index in range(0, len(firsts), step):
        place = index * wide
        if place + _DATE + 1 < last:
            line[place : place + _DATE] = firsts[index].isoformat()
    return "".join(line).rstrip()
