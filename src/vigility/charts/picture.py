"""The layout of a picture: which panels a report has, and where they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vigility.charts import theme, trend, usage
from vigility.core.reports.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BETWEEN_PANELS: Final = 0.45


def draw(report: Report) -> Figure:
    """Draw the whole picture. Call this inside `save.drawing`: it relies on the settings made there."""
    usage_height = usage.height_of(report)
    if not report.series:
        page = theme.new_page(theme.MARGIN + usage_height + theme.MARGIN)
        usage.draw_usage(page, theme.MARGIN, report)
        return page
    series = report.series[0]
    trend_top = theme.MARGIN + usage_height + _BETWEEN_PANELS
    page = theme.new_page(trend_top + trend.height_of(series) + theme.MARGIN)
    usage.draw_usage(page, theme.MARGIN, report)
    trend.draw_trend(page, trend_top, series)
    return page
