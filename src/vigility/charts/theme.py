"""What both panels share: colours, sizes, Matplotlib settings, axes. Lengths are in inches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vigility.charts.text import BOLD, PLAIN, TextStyle, fit, width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE_WIDTH: Final = 10.0
MARGIN: Final = 0.45
INNER_WIDTH: Final = PAGE_WIDTH - 2 * MARGIN
HEADING: Final = 0.42
LINE: Final = 0.24
TICK_ROW: Final = 0.3
GAP: Final = 0.14
MESSAGE: Final = 0.5
_DPI: Final = 160

# The blue of Okabe and Ito's palette: people with any kind of colour blindness can tell it from the
# greys beside it. The greys also differ in lightness, so that a print without colour still works.
ACCENT: Final = "#0072B2"
ACCENT_TINT: Final = "#DCEBF5"
NEUTRAL: Final = "#9AA5B1"
FAINT: Final = "#D5DAE0"
INK: Final = "#1F2933"
MUTED: Final = "#52606D"
GRID: Final = "#E4E7EB"

TITLE: Final = TextStyle(16, BOLD)
SUBTITLE: Final = TextStyle(10.5, PLAIN)
LABEL: Final = TextStyle(10, PLAIN)
BOLD_LABEL: Final = TextStyle(10, BOLD)
TICK: Final = TextStyle(9, PLAIN)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the page. `top` is the distance from the upper edge of the page."""

    left: float
    top: float
    width: float
    height: float


def apply_settings(fallback_fonts: list[str]) -> None:
    """Apply the settings of these charts on top of Matplotlib's own defaults."""
    import matplotlib as mpl

    mpl.rcdefaults()
    mpl.rc("figure", dpi=_DPI)
    mpl.rc("font", family=["sans-serif", *fallback_fonts])
    # The fonts after DejaVu Sans are for SVG viewers on machines without it.
    mpl.rc("font", **{"sans-serif": ["DejaVu Sans", "Verdana", "Arial"]})
    # Keep text as text: it can be searched, and viewers show it in their own fonts.
    mpl.rc("svg", fonttype="none", hashsalt="vigility")
    mpl.rc("text", parse_math=False)  # show a $ in a feature's name as it is


def new_page(height: float) -> Figure:
    """Make a white page of the standard width."""
    from matplotlib.figure import Figure

    return Figure(figsize=(PAGE_WIDTH, height), facecolor="white")


def write_heading(page: Figure, top: float, title: str, lines: list[str]) -> float:
    """Write a panel's title and the lines below it, each shortened to fit; return where they end."""
    _write(page, top, fit(title, INNER_WIDTH, TITLE), TITLE, INK)
    top += HEADING
    for line in lines:
        _write(page, top, fit(line, INNER_WIDTH, SUBTITLE), SUBTITLE, MUTED)
        top += LINE
    return top


def write_message(page: Figure, top: float, headline: str, advice: str) -> None:
    """Write, in place of a chart, why there is none and what to do."""
    _write(page, top, fit(headline, INNER_WIDTH, BOLD_LABEL), BOLD_LABEL, INK)
    _write(page, top + LINE, fit(advice, INNER_WIDTH, LABEL), LABEL, MUTED)


def _write(page: Figure, top: float, text: str, style: TextStyle, color: str) -> None:
    height = page.get_figheight()
    page.text(
        MARGIN / PAGE_WIDTH,
        1 - top / height,
        text,
        fontsize=style.size,
        fontweight=style.weight,
        color=color,
        va="top",
    )


def new_axes(page: Figure, box: Box) -> Axes:
    """Make axes in a box of the page, without a frame and with small grey tick labels."""
    height = page.get_figheight()
    bottom = 1 - (box.top + box.height) / height
    axes = page.add_axes(
        (box.left / PAGE_WIDTH, bottom, box.width / PAGE_WIDTH, box.height / height), facecolor="none"
    )
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=TICK.size, labelcolor=MUTED, pad=6)
    axes.set_axisbelow(True)
    return axes


def whole_ticks(top: int, at_most: int) -> list[int]:
    """Return about `at_most` round whole numbers, from 0 to the first one that is not below `top`."""
    from matplotlib.ticker import MaxNLocator

    # Steps of 1, 2 and 5 only: Matplotlib's other steps (2.5, 4, 8) are hard to read.
    locator = MaxNLocator(nbins=max(at_most, 1), integer=True, steps=[1, 2, 5, 10])
    return [round(tick) for tick in locator.tick_values(0, max(top, 1)) if tick >= 0]


def format_count(number: int) -> str:
    """Format a whole number with separated thousands: 1,234,567."""
    return f"{number:,}"


def pluralize(number: int, noun: str) -> str:
    """Format a number with its noun: "1 event", "1,234 events"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def widest(texts: list[str], style: TextStyle) -> float:
    """Return the width of the widest text."""
    return max(width(text, style) for text in texts)
