"""The page: which panels a report has, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vigility.charts import look, trend, usage
from vigility.core.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BETWEEN_PANELS: Final = 0.45


def draw(report: Report) -> Figure:
    """The whole picture. To be called inside `save.drawing`, whose settings it relies on."""
    upper = usage.height_of(report)
    if report.feature is None:
        page = look.new_page(look.MARGIN + upper + look.MARGIN)
        usage.draw_usage(page, look.MARGIN, report)
        return page
    begin_of_lower = look.MARGIN + upper + _BETWEEN_PANELS
    page = look.new_page(begin_of_lower + trend.height_of(report) + look.MARGIN)
    usage.draw_usage(page, look.MARGIN, report)
    trend.draw_trend(page, begin_of_lower, report.feature, report)
    return page
