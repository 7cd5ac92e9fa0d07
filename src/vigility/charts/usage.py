"""The upper panel, "Feature Usage": one horizontal bar per feature, the most used on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from vigility.charts import theme
from vigility.charts.text import TextStyle, clean, fit, width
from vigility.core.reports.filters import Filters
from vigility.core.reports.report import Report, Total

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# That many bars can be read at a glance on a slide. The rest is summed as "other".
MAX_BARS: Final = 16

_BAR_PITCH: Final = 0.36
_BAR_THICKNESS: Final = 0.68  # of the pitch
_MAX_TICKS: Final = 8
# Longer names are shortened, to leave room for the bars.
_WIDEST_NAME: Final = 0.33 * theme.PAGE_WIDTH

_Kind = Literal["usual", "chosen", "other"]


@dataclass(frozen=True, slots=True)
class UsageBar:
    """One bar: a feature, or the sum of all features without a bar of their own."""

    label: str
    value: int
    kind: _Kind


def bars_of(report: Report) -> list[UsageBar]:
    """Return the bars of a report.

    If there are too many features, these are the most used ones, the chosen one, and one bar for all
    others.
    """
    chosen = _chosen_feature(report)
    own, rest = _split(report)
    bars = [
        UsageBar(clean(total.label), total.value, "chosen" if total.label == chosen else "usual")
        for total in own
    ]
    if summed := _feature_count(report) - len(own):
        not_in_report = report.rest.value if report.rest else 0
        label = f"other ({theme.pluralize(summed, 'feature')})"
        bars.append(UsageBar(label, sum(total.value for total in rest) + not_in_report, "other"))
    return bars


def _feature_count(report: Report) -> int:
    """How many features have events, also those that the limit of the report leaves out."""
    return len(report.totals) + (report.rest.groups if report.rest else 0)


def _chosen_feature(report: Report) -> str | None:
    return report.series[0].label if report.series else None


def _split(report: Report) -> tuple[list[Total], list[Total]]:
    """The totals that have their own bar, and those that are summed."""
    totals = list(report.totals)
    if _feature_count(report) <= MAX_BARS or len(totals) < MAX_BARS:
        return totals, []
    chosen = _chosen_feature(report)
    top, rest = totals[: MAX_BARS - 1], totals[MAX_BARS - 1 :]
    if low := [total for total in rest if total.label == chosen]:
        top, rest = top[:-1], [top[-1], *(total for total in rest if total.label != chosen)]
    return [*top, *low], rest


def subtitle_of(report: Report) -> list[str]:
    """Return the lines below the title: the filters, the total and, if features are summed, which."""
    filters = report.filters.describe()
    lines = [f"{filters[0].upper()}{filters[1:]} · {theme.pluralize(report.total, 'event')}"]
    own, _ = _split(report)
    if _feature_count(report) > len(own):
        in_rank_order = tuple(own) == report.totals[: len(own)]
        shown = f"The top {len(own)}" if in_rank_order else f"The top {len(own) - 1}, and the chosen one,"
        count = theme.format_count(_feature_count(report))
        lines.append(f"{shown} of {count} features; the rest is summed as “other”")
    return lines


def height_of(report: Report) -> float:
    """Return the height of the panel."""
    heading = theme.HEADING + theme.LINE * len(subtitle_of(report)) + theme.GAP
    if not report.totals:
        return heading + theme.MESSAGE
    return heading + _BAR_PITCH * len(bars_of(report)) + theme.TICK_ROW


def draw_usage(page: Figure, top: float, report: Report) -> None:
    """Draw the panel on the page, from `top` downwards."""
    top = theme.write_heading(page, top, "Feature Usage", subtitle_of(report)) + theme.GAP
    if not report.totals:
        theme.write_message(page, top, *_empty_message(report.filters))
        return
    bars = bars_of(report)
    names = [fit(bar.label, _WIDEST_NAME, _style(bar)) for bar in bars]
    indent = max(width(name, _style(bar)) for name, bar in zip(names, bars, strict=True)) + theme.GAP
    box = theme.Box(theme.MARGIN + indent, top, theme.INNER_WIDTH - indent, _BAR_PITCH * len(bars))
    axes = theme.new_axes(page, box)
    _draw_bars(axes, bars)
    _name_bars(axes, names, bars)
    _scale(axes, bars, box.width)


def _style(bar: UsageBar) -> TextStyle:
    return theme.BOLD_LABEL if bar.kind == "chosen" else theme.LABEL


def _draw_bars(axes: Axes, bars: list[UsageBar]) -> None:
    chosen = any(bar.kind == "chosen" for bar in bars)
    colors = {
        "usual": theme.NEUTRAL if chosen else theme.ACCENT,
        "chosen": theme.ACCENT,
        "other": theme.FAINT,
    }
    axes.barh(
        range(len(bars)),
        [bar.value for bar in bars],
        height=_BAR_THICKNESS,
        color=[colors[bar.kind] for bar in bars],
    )
    for row, bar in enumerate(bars):
        axes.annotate(
            theme.format_count(bar.value),
            (bar.value, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center_baseline",  # as the names on the other side
            fontsize=theme.LABEL.size,
            fontweight=_style(bar).weight,
            color=theme.INK,
        )


def _name_bars(axes: Axes, names: list[str], bars: list[UsageBar]) -> None:
    axes.set_ylim(len(bars) - 0.5, -0.5)  # the first on top
    axes.set_yticks(range(len(bars)), labels=names)
    for label, bar in zip(axes.get_yticklabels(), bars, strict=True):
        label.set(fontsize=_style(bar).size, fontweight=_style(bar).weight, color=theme.INK)


def _scale(axes: Axes, bars: list[UsageBar], room: float) -> None:
    """Set a scale of whole numbers that leaves room for the number beside the longest bar."""
    top = max(bar.value for bar in bars)
    longest = theme.format_count(top)
    end = top * room / (room - width(longest, theme.BOLD_LABEL) - theme.GAP)
    fitting = int(room / (1.8 * width(longest, theme.TICK)))
    ticks = [tick for tick in theme.whole_ticks(top, min(fitting, _MAX_TICKS)) if tick <= end]
    axes.set_xlim(0, end)
    axes.set_xticks(ticks, labels=[theme.format_count(tick) for tick in ticks])
    axes.grid(axis="x", color=theme.GRID, linewidth=0.8)


def _empty_message(filters: Filters) -> tuple[str, str]:
    if filters == Filters():
        return "No events yet", "Track the first one: vigility track FEATURE --user NAME"
    headline = "No events under these filters"
    if filters.start and filters.end and filters.start > filters.end:
        return headline, "The first day is after the last day: swap them."
    ways = [
        "choose more days" if filters.start or filters.end else "",
        "leave out the age group" if filters.age_group else "",
        "leave out the gender" if filters.gender else "",
    ]
    return headline, f"To see some, {' or '.join(way for way in ways if way)}."
