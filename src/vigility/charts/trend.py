"""The lower panel, "Time Trend": a line of the chosen feature's events per day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from vigility.charts import theme
from vigility.charts.days import labelled_days
from vigility.charts.text import clean, width
from vigility.core.reports.filters import Filters
from vigility.core.reports.report import Point, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PLOT_HEIGHT: Final = 2.4
_DATE_ROWS: Final = 0.45
_LABEL_SPACING: Final = 1.4  # distance from one date to the next, in widths of a label
_MAX_HEIGHT_TICKS: Final = 5
# With more days the markers would overlap. Without markers a single day would be invisible.
_MAX_MARKED_DAYS: Final = 45
# With more days the weekly ups and downs of a bold line would fill the plot.
_MAX_DAYS_OF_A_BOLD_LINE: Final = 200
# About three for each pixel of the picture's width.
_MAX_DRAWN_DAYS: Final = 5000
_ADVICE: Final = (
    "Either it was never tracked (check the spelling), or these days have no events (choose more days)."
)


def height_of(series: Series) -> float:
    """Return the height of the panel."""
    heading = theme.HEADING + theme.GAP
    if not series.points:
        return heading + theme.MESSAGE
    return heading + theme.LINE + _PLOT_HEIGHT + _DATE_ROWS


def draw_trend(page: Figure, top: float, series: Series) -> None:
    """Draw the panel on the page, from `top` downwards."""
    points = series.points
    lines = [_subtitle(points)] if points else []
    top = theme.write_heading(page, top, f"Time Trend: {clean(series.label)}", lines) + theme.GAP
    if not points:
        theme.write_message(page, top, "No days to show for this feature", _ADVICE)
        return
    ticks = theme.whole_ticks(max(point.value for point in points), _MAX_HEIGHT_TICKS)
    labels = [theme.format_count(tick) for tick in ticks]
    indent = theme.widest(labels, theme.TICK) + theme.GAP
    box = theme.Box(theme.MARGIN + indent, top, theme.INNER_WIDTH - indent, _PLOT_HEIGHT)
    axes = theme.new_axes(page, box)
    axes.set_yticks(ticks, labels=labels)
    axes.grid(axis="y", color=theme.GRID, linewidth=0.8)
    _draw_line(axes, points, ticks[-1])
    _label_days(axes, points, box.width)


def _subtitle(points: tuple[Point, ...]) -> str:
    days = Filters(start=points[0].start, end=points[-1].start).describe()
    total = sum(point.value for point in points)
    text = f"{theme.pluralize(total, 'event')} in {theme.pluralize(len(points), 'day')} (UTC), {days}"
    busiest = max(points, key=lambda point: point.value)
    if len(points) == 1 or busiest.value == 0:
        return text
    on_day = Filters(start=busiest.start, end=busiest.start).describe()
    return f"{text} · busiest {on_day} with {theme.format_count(busiest.value)}"


def _draw_line(axes: Axes, points: tuple[Point, ...], top: int) -> None:
    values = [point.value for point in points]
    drawn = _drawn_days(values)
    heights = [values[offset] for offset in drawn]
    axes.fill_between(drawn, heights, color=theme.ACCENT_TINT, linewidth=0)
    axes.plot(
        drawn,
        heights,
        color=theme.ACCENT,
        linewidth=1.6 if len(points) <= _MAX_DAYS_OF_A_BOLD_LINE else 0.7,
        marker="o" if len(points) <= _MAX_MARKED_DAYS else "",
        markersize=4.5,
        clip_on=False,  # draw a point on the edge completely
    )
    axes.axhline(0, color=theme.NEUTRAL, linewidth=0.8)
    axes.set_ylim(0, top)
    # A single day is drawn in the middle; otherwise the line takes the whole width.
    axes.set_xlim((-1, 1) if len(points) == 1 else (0, len(points) - 1))


def _drawn_days(values: list[int]) -> list[int]:
    """Return which days the line goes through: all or, if they are many, the extremes of each stretch.

    The picture looks the same. One event with a wrong year makes a series of centuries, and Matplotlib
    cannot fill the area under that many points.
    """
    if len(values) <= _MAX_DRAWN_DAYS:
        return list(range(len(values)))
    stretch = 2 * math.ceil(len(values) / _MAX_DRAWN_DAYS)
    kept: set[int] = {0, len(values) - 1}
    for begin in range(0, len(values), stretch):
        days = range(begin, min(begin + stretch, len(values)))
        kept |= {min(days, key=values.__getitem__), max(days, key=values.__getitem__)}
    return sorted(kept)


def _label_days(axes: Axes, points: tuple[Point, ...], room: float) -> None:
    def fitting(label: str) -> int:
        return int(room / (_LABEL_SPACING * width(label, theme.TICK)))

    first = points[0].start
    labels = labelled_days(first, points[-1].start, fitting)
    # Matplotlib aligns labels of one and of two lines differently, so all get two.
    texts = [label if "\n" in label else f"{label}\n " for label in labels.values()]
    axes.set_xticks([(day - first).days for day in labels], labels=texts)
