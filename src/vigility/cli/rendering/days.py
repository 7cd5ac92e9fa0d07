"""A feature's days in a terminal: a row a day while they are few, else a chart of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from vigility.cli.rendering.bars import BAR_STYLE, ShareBar
from vigility.cli.rendering.terminal import NARROW, ByWidth, plain_table
from vigility.core.reports.report import DayCount

FEW_DAYS: Final = 14
HEIGHT: Final = 8

# Days in a column: one if they fit, else whole weeks, so that weekends do not make a pattern.
_WEEKS: Final = (1, 2, 4, 13, 26, 52, 104, 260, 520, 1040, 2600, 5200, 10_400, 26_000, 52_000, 104_000)

_LEVELS: Final = " ▁▂▃▄▅▆▇█"
_WIDEST_COLUMN: Final = 4
_DATE: Final = 10


class Column(NamedTuple):
    """Some days that stand behind one another as one column."""

    first: date
    events: int


def day_view(days: Sequence[DayCount]) -> RenderableType:
    """What shows these days best."""
    if len(days) > FEW_DAYS:
        return DayChart(days)
    return ByWidth(lambda width: _day_table(days, width))


def _day_table(days: Sequence[DayCount], width: int) -> Table:
    narrow = width < NARROW
    table = plain_table()
    table.add_column("Day", no_wrap=True)
    table.add_column("Events", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("")
    peak = max(entry.count for entry in days)
    for entry in days:
        bars = () if narrow else (ShareBar(entry.count / peak if peak else 0),)
        table.add_row(entry.day.isoformat(), f"{entry.count:,}", *bars)
    return table


def grouped(days: Sequence[DayCount], most: int) -> tuple[int, list[Column]]:
    """The days in at most `most` columns: how many days a column holds, and the columns.

    They are counted back from the last day, so that it is the first column that may hold fewer.
    """
    sizes = (1, *(7 * weeks for weeks in _WEEKS))
    size = next((size for size in sizes if -(-len(days) // size) <= most), len(days))
    starts = range(len(days) % size - size if len(days) % size else 0, len(days), size)
    parts = (days[max(0, start) : start + size] for start in starts)
    return size, [Column(part[0].day, sum(entry.count for entry in part)) for part in parts]


class DayChart:
    """A chart of columns over an axis of dates, as wide as the terminal lets it be."""

    def __init__(self, days: Sequence[DayCount]) -> None:
        self._days = days

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        size, columns, margin = self._fit(options.max_width)
        wide = max(1, min(_WIDEST_COLUMN, (options.max_width - margin) // len(columns)))
        yield from _plot(columns, wide, margin, ascii_only=options.ascii_only)
        yield Text(" " * margin + _dates([column.first for column in columns], wide), style="dim")
        if size > 1:
            yield Text(self._about_columns(size), style="dim")

    def _fit(self, width: int) -> tuple[int, list[Column], int]:
        """Days a column, the columns, and the room left of them, which depends on the highest."""
        margin = 2
        while True:
            size, columns = grouped(self._days, max(1, width - margin))
            needed = len(f"{max(column.events for column in columns):,}") + 2
            if needed <= margin or margin >= width:
                return size, columns, margin
            margin = needed

    def _about_columns(self, size: int) -> str:
        first = len(self._days) % size
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
    """One row of one column; columns of more than one character keep a gap."""
    filled = max(0, min(8, level))
    character = ("#" if filled else " ") if ascii_only else _LEVELS[filled]
    return character if wide == 1 else character * (wide - 1) + " "


def _dates(firsts: Sequence[date], wide: int) -> str:
    """The dates of the first columns, of some between, and of the last, never touching one another."""
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
