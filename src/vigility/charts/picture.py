"""The page: which panels a report has, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vigility.charts import theme, trend, usage
from vigility.core.reports.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BETWEEN_PANELS: Final = 0.45


def draw(report: Report) -> Figure:
    """The whole picture. To be called inside `save.drawing`, whose settings it relies on."""
    upper = usage.height_of(report)
    if report.feature is None:
        page = theme.new_page(theme.MARGIN + upper + theme.MARGIN)
        usage.draw_usage(page, theme.MARGIN, report)
        return page
    begin_of_lower = theme.MARGIN + upper + _BETWEEN_PANELS
    page = theme.new_page(begin_of_lower + trend.height_of(report) + theme.MARGIN)
    usage.draw_usage(page, theme.MARGIN, report)
    trend.draw_trend(page, begin_of_lower, report.feature, report)
    return page
