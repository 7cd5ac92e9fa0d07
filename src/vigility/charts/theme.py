"""The look that both panels share: colours, sizes, settings, axes. Lengths are in inches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vigility.charts.text import BOLD, PLAIN, Face, fit, width

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

# The blue of Okabe and Ito's palette, which readers with any kind of colour blindness tell from the
# greys beside it; the greys also differ in lightness, so that a print without colour still works.
ACCENT: Final = "#0072B2"
ACCENT_TINT: Final = "#DCEBF5"
NEUTRAL: Final = "#9AA5B1"
FAINT: Final = "#D5DAE0"
INK: Final = "#1F2933"
MUTED: Final = "#52606D"
GRID: Final = "#E4E7EB"

TITLE: Final = Face(16, BOLD)
SUBTITLE: Final = Face(10.5, PLAIN)
LABEL: Final = Face(10, PLAIN)
BOLD_LABEL: Final = Face(10, BOLD)
TICK: Final = Face(9, PLAIN)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the page; `top` counts from the upper edge downwards."""

    left: float
    top: float
    width: float
    height: float


def apply_settings(fallback_fonts: list[str]) -> None:
    """Give Matplotlib the settings of these charts, over its own defaults."""
    import matplotlib as mpl

    mpl.rcdefaults()
    mpl.rc("figure", dpi=_DPI)
    mpl.rc("font", family=["sans-serif", *fallback_fonts])
    # What comes after DejaVu Sans is for those who open the SVG where that is not installed.
    mpl.rc("font", **{"sans-serif": ["DejaVu Sans", "Verdana", "Arial"]})
    # Text stays text: it can be searched, and is shown in the reader's own fonts.
    mpl.rc("svg", fonttype="none", hashsalt="vigility")
    mpl.rc("text", parse_math=False)  # a $ in the name of a feature is a $


def new_page(height: float) -> Figure:
    """A white page of the standard width."""
    from matplotlib.figure import Figure

    return Figure(figsize=(PAGE_WIDTH, height), facecolor="white")


def write_heading(page: Figure, top: float, title: str, lines: list[str]) -> float:
    """Write a panel's title and the lines under it, each cut to the page; return where they end."""
    _write(page, top, fit(title, INNER_WIDTH, TITLE), TITLE, INK)
    top += HEADING
    for line in lines:
        _write(page, top, fit(line, INNER_WIDTH, SUBTITLE), SUBTITLE, MUTED)
        top += LINE
    return top


def write_message(page: Figure, top: float, headline: str, advice: str) -> None:
    """Say, in the place of a chart, why there is none and what to do."""
    _write(page, top, fit(headline, INNER_WIDTH, BOLD_LABEL), BOLD_LABEL, INK)
    _write(page, top + LINE, fit(advice, INNER_WIDTH, LABEL), LABEL, MUTED)


def _write(page: Figure, top: float, text: str, face: Face, color: str) -> None:
    height = page.get_figheight()
    page.text(
        MARGIN / PAGE_WIDTH,
        1 - top / height,
        text,
        fontsize=face.size,
        fontweight=face.weight,
        color=color,
        va="top",
    )


def new_axes(page: Figure, box: Box) -> Axes:
    """Bare axes in a box of the page: no frame, small grey tick labels."""
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
    """Up to about `at_most` round whole numbers from 0 to the first one not below `top`."""
    from matplotlib.ticker import MaxNLocator

    # Steps of 1, 2 and 5: the others that Matplotlib knows (2.5, 4, 8) read badly.
    locator = MaxNLocator(nbins=max(at_most, 1), integer=True, steps=[1, 2, 5, 10])
    return [round(tick) for tick in locator.tick_values(0, max(top, 1)) if tick >= 0]


def in_digits(number: int) -> str:
    """A whole number with its thousands separated: 1,234,567."""
    return f"{number:,}"


def pluralize(number: int, noun: str) -> str:
    """A number of things: "1 event", "1,234 events"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def widest(texts: list[str], face: Face) -> float:
    """The width of the widest of some texts."""
    return max(width(text, face) for text in texts)
