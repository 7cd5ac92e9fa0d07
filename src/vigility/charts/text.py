"""Text of unknown origin in a picture: what can be shown, how wide it is, and in which font."""

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

# Control characters, lone surrogates and line breaks cannot be drawn in one line, and most of them,
# like the two code points that are no characters, may not stand in XML.
_UNDRAWABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_NOT_IN_XML: Final = "\ufffe\uffff"


@dataclass(frozen=True, slots=True)
class Face:
    """How a text is set: its size in points and its weight."""

    size: float
    weight: Literal["normal", "bold"]


def clean(text: str) -> str:
    """The text with every character that cannot be drawn replaced by U+FFFD."""
    return "".join("\ufffd" if _is_undrawable(character) else character for character in text)


def _is_undrawable(character: str) -> bool:
    return unicodedata.category(character) in _UNDRAWABLE or character in _NOT_IN_XML


def width(text: str, face: Face) -> float:
    """How wide a text is in inches, in the fonts that are set while drawing."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=face.size, weight=face.weight)
    points, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return points / _POINTS_PER_INCH


def fit(text: str, room: float, face: Face) -> str:
    """The text, or where it is wider than `room` inches its beginning and end with … between.

    The middle is what goes: names of one family begin alike and differ at their ends.
    """
    if width(text, face) <= room:
        return text
    shortest, longest = 0, len(text) - 1
    while shortest < longest:
        kept = (shortest + longest + 1) // 2
        if width(_cut(text, kept), face) <= room:
            shortest = kept
        else:
            longest = kept - 1
    return _cut(text, shortest)


def _cut(text: str, kept: int) -> str:
    end = kept // 3
    return text[: kept - end].rstrip() + _ELLIPSIS + (text[-end:].lstrip() if end else "")


def fallback_fonts(report: Report) -> list[str]:
    """Installed font families for the characters of a report's names that DejaVu Sans lacks.

    As few as cover what can be covered; none for most reports, at no cost.
    """
    from matplotlib.font_manager import findfont

    names = [entry.feature for entry in report.features] + [report.feature or ""]
    missing = {ord(character) for name in names for character in clean(name)}
    missing -= _drawn_by(findfont("DejaVu Sans"))
    return _fewest_families(missing) if missing else []


def _fewest_families(missing: set[int]) -> list[str]:
    from matplotlib.font_manager import fontManager

    covers: dict[str, AbstractSet[int]] = {}
    for font in sorted(fontManager.ttflist, key=_preference):
        # Fonts of placeholders have a box for everything.
        if font.name not in covers and "resort" not in font.name.lower():
            covers[font.name] = _drawn_by(font.fname) & missing
    chosen: list[str] = []
    while missing:
        best = max(covers, key=lambda family: len(covers[family] & missing))
        if not covers[best] & missing:
            break
        chosen.append(best)
        missing = missing - covers[best]
    return chosen


def _preference(font: FontEntry) -> tuple[bool, bool, bool, str, str]:
    """Sans-serif, upright and regular before the others; then by name, so that each run chooses alike."""
    slanted, bold = font.style != "normal", font.weight != _REGULAR
    return "sans" not in font.name.lower(), slanted, bold, font.name, str(font.fname)


def _drawn_by(font_file: str | PathLike[str]) -> AbstractSet[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return FT2Font(font_file).get_charmap().keys()
    except (OSError, RuntimeError):  # uninstalled since Matplotlib listed it, or broken
        return set()
