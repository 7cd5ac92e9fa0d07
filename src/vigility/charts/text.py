"""Text of unknown origin in a picture: cleans it, measures it, shortens it and finds fonts for it."""

from __future__ import annotations

import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Final, Literal

from vigility.core.reports.report import Report

if TYPE_CHECKING:
    from matplotlib.font_manager import FontEntry

PLAIN: Final = "normal"
BOLD: Final = "bold"
_POINTS_PER_INCH: Final = 72
_ELLIPSIS: Final = "…"
_REGULAR: Final = 400

# Control characters, lone surrogates and line breaks cannot be drawn on one line. Most of them, and
# also the two noncharacters below, are not allowed in XML.
_UNDRAWABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_NOT_IN_XML: Final = "\ufffe\uffff"


@dataclass(frozen=True, slots=True)
class TextStyle:
    """The size of a text in points, and its weight."""

    size: float
    weight: Literal["normal", "bold"]


def clean(text: str) -> str:
    """Replace each character that cannot be drawn by U+FFFD."""
    return "".join("\ufffd" if _is_undrawable(character) else character for character in text)


def _is_undrawable(character: str) -> bool:
    return unicodedata.category(character) in _UNDRAWABLE or character in _NOT_IN_XML


def width(text: str, style: TextStyle) -> float:
    """Return the width of a text in inches, in the fonts that `save.drawing` sets."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=style.size, weight=style.weight)
    points, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return points / _POINTS_PER_INCH


def fit(text: str, room: float, style: TextStyle) -> str:
    """Shorten the text to `room` inches, if it is wider, by replacing its middle with an ellipsis.

    The middle is removed because related names often begin alike and differ at the end.
    """
    if width(text, style) <= room:
        return text
    shortest, longest = 0, len(text) - 1
    while shortest < longest:
        kept = (shortest + longest + 1) // 2
        if width(_cut(text, kept), style) <= room:
            shortest = kept
        else:
            longest = kept - 1
    return _cut(text, shortest)


def _cut(text: str, kept: int) -> str:
    end = kept // 3
    return text[: kept - end].rstrip() + _ELLIPSIS + (text[-end:].lstrip() if end else "")


def fallback_fonts(report: Report) -> list[str]:
    """Find installed font families for characters in a report's names that DejaVu Sans lacks.

    Returns as few families as possible. Most reports need none, and then no other font is searched.
    """
    from matplotlib.font_manager import findfont

    names = [total.label for total in report.totals] + [series.label for series in report.series]
    missing = {ord(character) for name in names for character in clean(name)}
    missing -= _characters_of(findfont("DejaVu Sans"))
    return _fewest_families(missing) if missing else []


def _fewest_families(missing: set[int]) -> list[str]:
    from matplotlib.font_manager import fontManager

    covers: dict[str, AbstractSet[int]] = {}
    for font in sorted(fontManager.ttflist, key=_preference):
        # LastResort fonts have a placeholder for every character.
        if font.name not in covers and "resort" not in font.name.lower():
            covers[font.name] = _characters_of(font.fname) & missing
    chosen: list[str] = []
    while missing:
        best = max(covers, key=lambda family: len(covers[family] & missing))
        if not covers[best] & missing:
            break
        chosen.append(best)
        missing = missing - covers[best]
    return chosen


def _preference(font: FontEntry) -> tuple[bool, bool, bool, str, str]:
    """Sort sans-serif, upright and regular fonts first, then by name, so that each run chooses the same."""
    slanted, bold = font.style != "normal", font.weight != _REGULAR
    return "sans" not in font.name.lower(), slanted, bold, font.name, str(font.fname)


def _characters_of(font_file: str | PathLike[str]) -> AbstractSet[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return FT2Font(font_file).get_charmap().keys()
    except (OSError, RuntimeError):  # uninstalled since Matplotlib listed it, or broken
        return set()
