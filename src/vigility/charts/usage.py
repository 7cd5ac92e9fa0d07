"""The upper panel: a horizontal bar a feature, the most used on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from vigility.charts import theme
from vigility.charts.text import Face, clean, fit, width
from vigility.core.reports.filters import Filters
from vigility.core.reports.report import FeatureCount, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# So many bars still read at a glance on a slide; more become "other".
MOST_BARS: Final = 16

_BAR_PITCH: Final = 0.36
_BAR_THICKNESS: Final = 0.68  # of the pitch
_MOST_TICKS: Final = 8
# Of the page: names longer than this are cut, or nothing would be left for the bars.
_WIDEST_NAME: Final = 0.33 * theme.PAGE_WIDTH

_Kind = Literal["usual", "chosen", "other"]


@dataclass(frozen=True, slots=True)
class UsageBar:
    """One bar: a feature, or all those together that have no bar of their own."""

    label: str
    count: int
    kind: _Kind


def bars_of(report: Report) -> list[UsageBar]:
    """A bar for each feature; where they are too many, for the most used, for the chosen one, and
    one for all others."""
    own, rest = _with_own_bar(report)
    bars = [
        UsageBar(clean(entry.feature), entry.count, "chosen" if entry.feature == report.feature else "usual")
        for entry in own
    ]
    if rest:
        label = f"other ({look.counted(len(rest), 'feature')})"
        bars.append(UsageBar(label, sum(entry.count for entry in rest), "other"))
    return bars


def _with_own_bar(report: Report) -> tuple[list[FeatureCount], list[FeatureCount]]:
    if len(report.features) <= MOST_BARS:
        return list(report.features), []
    room = MOST_BARS - 1
    low = [entry for entry in report.features[room:] if entry.feature == report.feature]
    own = [*report.features[: room - len(low)], *low]
    return own, [entry for entry in report.features if entry not in own]


def subtitle_of(report: Report) -> list[str]:
    """The filters, the total and, where not each feature has its bar, what is left out."""
    words = report.filters.describe()
    lines = [f"{words[0].upper()}{words[1:]} · {look.counted(report.total, 'event')}"]
    own, rest = _with_own_bar(report)
    if rest:
        in_rank_order = tuple(own) == report.features[: len(own)]
        shown = f"The top {len(own)}" if in_rank_order else f"The top {len(own) - 1}, and the chosen one,"
        all_features = theme.in_digits(len(report.features))
        lines.append(f"{shown} of {all_features} features; the rest is summed as “other”")
    return lines


def height_of(report: Report) -> float:
    """How much of the page the panel takes."""
    heading = theme.HEADING + theme.LINE * len(subtitle_of(report)) + theme.GAP
    if not report.features:
        return heading + theme.MESSAGE
    return heading + _BAR_PITCH * len(bars_of(report)) + theme.TICK_ROW


def draw_usage(page: Figure, top: float, report: Report) -> None:
    """Draw the panel onto the page, from `top` downwards."""
    top = theme.write_heading(page, top, "Feature Usage", subtitle_of(report)) + theme.GAP
    if not report.features:
        theme.write_message(page, top, *_nothing_to_show(report.filters))
        return
    bars = bars_of(report)
    names = [fit(bar.label, _WIDEST_NAME, _face(bar)) for bar in bars]
    indent = max(width(name, _face(bar)) for name, bar in zip(names, bars, strict=True)) + theme.GAP
    box = theme.Box(theme.MARGIN + indent, top, theme.INNER_WIDTH - indent, _BAR_PITCH * len(bars))
    axes = theme.new_axes(page, box)
    _draw_bars(axes, bars)
    _name_bars(axes, names, bars)
    _scale(axes, bars, box.width)


def _face(bar: UsageBar) -> Face:
    return theme.BOLD_LABEL if bar.kind == "chosen" else theme.LABEL


def _draw_bars(axes: Axes, bars: list[UsageBar]) -> None:
    chosen = any(bar.kind == "chosen" for bar in bars)
    colors = {"usual": theme.NEUTRAL if chosen else theme.ACCENT, "chosen": theme.ACCENT, "other": theme.FAINT}
    axes.barh(
        range(len(bars)),
        [bar.count for bar in bars],
        height=_BAR_THICKNESS,
        color=[colors[bar.kind] for bar in bars],
    )
    for row, bar in enumerate(bars):
        axes.annotate(
            theme.in_digits(bar.count),
            (bar.count, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center_baseline",  # like the names on the other side
            fontsize=theme.LABEL.size,
            fontweight=_face(bar).weight,
            color=theme.INK,
        )


def _name_bars(axes: Axes, names: list[str], bars: list[UsageBar]) -> None:
    axes.set_ylim(len(bars) - 0.5, -0.5)  # the first on top
    axes.set_yticks(range(len(bars)), labels=names)
    for label, bar in zip(axes.get_yticklabels(), bars, strict=True):
        label.set(fontsize=_face(bar).size, fontweight=_face(bar).weight, color=theme.INK)


def _scale(axes: Axes, bars: list[UsageBar], room: float) -> None:
    """A scale in whole numbers that leaves room for the figure behind the longest bar."""
    top = max(bar.count for bar in bars)
    figure = theme.in_digits(top)
    end = top * room / (room - width(figure, theme.BOLD_LABEL) - theme.GAP)
    fitting = int(room / (1.8 * width(figure, theme.TICK)))
    ticks = [tick for tick in theme.whole_ticks(top, min(fitting, _MOST_TICKS)) if tick <= end]
    axes.set_xlim(0, end)
    axes.set_xticks(ticks, labels=[theme.in_digits(tick) for tick in ticks])
    axes.grid(axis="x", color=theme.GRID, linewidth=0.8)


def _nothing_to_show(filters: Filters) -> tuple[str, str]:
    if filters == Filters():
        return "No events yet", "Track the first one: vigility track FEATURE --user NAME"
    headline = "No events under these filters"
    if filters.start and filters.end and filters.start > filters.end:
        return headline, "The first day lies after the last: exchange them."
    ways = [
        "choose more days" if filters.start or filters.end else "",
        "leave out the age group" if filters.age_group else "",
        "leave out the gender" if filters.gender else "",
    ]
    return headline, f"To see some, {' or '.join(way for way in ways if way)}."
