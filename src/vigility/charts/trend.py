"""The lower panel: the chosen feature's events a day, as a line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from vigility.charts import theme
from vigility.charts.days import labelled_days
from vigility.charts.text import clean, width
from vigility.core.reports.filters import Filters
from vigility.core.reports.report import DayCount, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PLOT_HEIGHT: Final = 2.4
_DATE_ROWS: Final = 0.45
_SPREAD: Final = 1.4  # of a label's width, from one date to the next
_MOST_HEIGHT_TICKS: Final = 5
# Beyond so many days the points would run into each other; a single day is seen by nothing else.
_MOST_MARKED_DAYS: Final = 45
# Beyond, the ups and downs of weeks would fill the plot with ink.
_MOST_DAYS_OF_A_BOLD_LINE: Final = 200
# Some three for each dot of the picture's width.
_MOST_DRAWN_DAYS: Final = 5000
_ADVICE: Final = (
    "Either it was never tracked (check the spelling), or nothing was in these days (choose more of them)."
)


def height_of(report: Report) -> float:
    """How much of the page the panel takes."""
    heading = theme.HEADING + theme.GAP
    if not report.days:
        return heading + theme.MESSAGE
    return heading + theme.LINE + _PLOT_HEIGHT + _DATE_ROWS


def draw_trend(page: Figure, top: float, feature: str, report: Report) -> None:
    """Draw the panel onto the page, from `top` downwards."""
    lines = [_in_words(report.days)] if report.days else []
    top = theme.write_heading(page, top, f"Time Trend: {clean(feature)}", lines) + theme.GAP
    if not report.days:
        theme.write_message(page, top, "No days to show for this feature", _ADVICE)
        return
    ticks = theme.whole_ticks(max(point.count for point in report.days), _MOST_HEIGHT_TICKS)
    labels = [theme.in_digits(tick) for tick in ticks]
    indent = theme.widest(labels, theme.TICK) + theme.GAP
    box = theme.Box(theme.MARGIN + indent, top, theme.INNER_WIDTH - indent, _PLOT_HEIGHT)
    axes = theme.new_axes(page, box)
    axes.set_yticks(ticks, labels=labels)
    axes.grid(axis="y", color=theme.GRID, linewidth=0.8)
    _draw_line(axes, report.days, ticks[-1])
    _label_days(axes, report.days, box.width)


def _in_words(days: tuple[DayCount, ...]) -> str:
    span = Filters(start=days[0].day, end=days[-1].day).describe()
    total = sum(point.count for point in days)
    said = f"{look.counted(total, 'event')} in {look.counted(len(days), 'day')} (UTC), {span}"
    busiest = max(days, key=lambda point: point.count)
    if len(days) == 1 or busiest.count == 0:
        return said
    on_day = Filters(start=busiest.day, end=busiest.day).describe()
    return f"{said} · busiest {on_day} with {look.in_digits(busiest.count)}"


def _draw_line(axes: Axes, days: tuple[DayCount, ...], top: int) -> None:
    shown = _drawn_days([point.count for point in days])
    counts = [days[offset].count for offset in shown]
    marked = len(days) <= _MOST_MARKED_DAYS
    axes.fill_between(shown, counts, color=theme.ACCENT_TINT, linewidth=0)
    axes.plot(
        shown,
        counts,
        color=theme.ACCENT,
        linewidth=1.6 if len(days) <= _MOST_DAYS_OF_A_BOLD_LINE else 0.7,
        marker="o" if marked else "",
        markersize=4.5,
        clip_on=False,  # a point on the edge is drawn whole
    )
    axes.axhline(0, color=theme.NEUTRAL, linewidth=0.8)
    axes.set_ylim(0, top)
    # A single day stands in the middle; otherwise the line takes the whole width.
    axes.set_xlim((-1, 1) if len(days) == 1 else (0, len(days) - 1))


def _drawn_days(counts: list[int]) -> list[int]:
    """Which days the line goes through: all of them or, of many, the lowest and highest of each stretch.

    On paper both look the same. One event with a wrong year makes a series of centuries, and
    Matplotlib cannot fill the area under that many points.
    """
    if len(counts) <= _MOST_DRAWN_DAYS:
        return list(range(len(counts)))
    stretch = 2 * math.ceil(len(counts) / _MOST_DRAWN_DAYS)
    kept: set[int] = {0, len(counts) - 1}
    for begin in range(0, len(counts), stretch):
        days = range(begin, min(begin + stretch, len(counts)))
        kept |= {min(days, key=counts.__getitem__), max(days, key=counts.__getitem__)}
    return sorted(kept)


def _label_days(axes: Axes, days: tuple[DayCount, ...], room: float) -> None:
    def fitting(label: str) -> int:
        return int(room / (_SPREAD * width(label, theme.TICK)))

    first = days[0].day
    labels = labelled_days(first, days[-1].day, fitting)
    # Texts of one line and of two are not set at the same height: all get two.
    texts = [label if "\n" in label else f"{label}\n " for label in labels.values()]
    axes.set_xticks([(day - first).days for day in labels], labels=texts)
