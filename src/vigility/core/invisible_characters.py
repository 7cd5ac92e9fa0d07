"""Characters that nobody sees: which there are, and where a script or an emoji needs them.

Two names that differ in such a character alone look the same, and a name of nothing else looks blank. Others
turn the direction of what follows, so that a name reads as another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

Range = tuple[int, int]
"""Two code points: the first and the last."""

# Sources: Default_Ignorable_Code_Point in DerivedCoreProperties.txt (Unicode 16), format characters without a
# glyph (Cf), letters and symbols that are blank by their name, and noncharacters.
_INVISIBLE: Final[tuple[Range, ...]] = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # a mark of direction, like U+200E
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # vowels of Khmer that are not written
    (0x180B, 0x180F),  # variation selectors and the vowel separator of Mongolian
    (0x200B, 0x200F),  # zero width space, non-joiner and joiner; marks of direction
    (0x202A, 0x202E),  # embedding and override of direction
    (0x2060, 0x206F),  # word joiner, invisible operators, isolates
    (0x2800, 0x2800),  # the Braille pattern without dots
    (0x3164, 0x3164),  # Hangul filler
    (0xFDD0, 0xFDEF),  # noncharacters
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # Hangul filler of half width
    (0xFFF0, 0xFFFB),  # reserved to be ignored; annotation
    (0x13430, 0x1343F),  # joiners of hieroglyphs
    (0x13441, 0x13442),  # blank hieroglyphs
    (0x16FE4, 0x16FE4),  # filler of Khitan
    (0x1BCA0, 0x1BCA3),  # controls of shorthand
    (0x1D159, 0x1D159),  # a note without a head
    (0x1D173, 0x1D17A),  # controls of music
    *((plane | 0xFFFE, plane | 0xFFFF) for plane in range(0, 0x110000, 0x10000)),  # noncharacters
    (0xE0000, 0xE0FFF),  # tags and variation selectors
)

# Scripts in which a joiner or a non-joiner between two characters changes how they are written.
_JOINING: Final[tuple[Range, ...]] = (
    (0x0620, 0x0DFF),  # Arabic, Syriac and their like; Devanagari to Sinhala
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1820, 0x18AF),  # Mongolian
    (0x1B00, 0x1BFF),  # Balinese, Sundanese, Batak
    (0xA840, 0xAAFF),  # Phags-pa to Meetei Mayek
    (0xABC0, 0xABFF),  # Meetei Mayek
    (0xFB50, 0xFDCF),  # presentation forms of Arabic
    (0xFE70, 0xFEFC),
    (0x10A00, 0x11FFF),  # Kharoshthi to Tamil: the scripts that come from Brahmi and Aramaic
    (0x1E900, 0x1E95F),  # Adlam
)
# The sign that takes the vowel from a consonant: a joiner after it counts at the end of a word too.
_VIRAMAS: Final[tuple[Range, ...]] = tuple(
    (sign, sign)
    for sign in (0x94D, 0x9CD, 0xA4D, 0xACD, 0xB4D, 0xBCD, 0xC4D, 0xCCD, 0xD3B, 0xD3C, 0xD4D, 0xDCA)
)
_EMOJI: Final[tuple[Range, ...]] = (
    *((symbol, symbol) for symbol in (0xA9, 0xAE, 0x203C, 0x2049, 0x2122, 0x2139)),
    (0x2190, 0x21FF),
    (0x2300, 0x23FF),
    (0x2460, 0x24FF),
    (0x25A0, 0x27BF),
    (0x2900, 0x297F),
    (0x2B00, 0x2BFF),
    *((symbol, symbol) for symbol in (0x3030, 0x303D, 0x3297, 0x3299)),
    (0x1F000, 0x1FAFF),
)
_IDEOGRAPHS: Final[tuple[Range, ...]] = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
_FLAG_TAGS: Final = ("gbeng", "gbsct", "gbwls")  # England, Scotland, Wales: the flags made of tags


def first_invisible(text: str) -> str | None:
    """The first invisible character that neither a script nor an emoji of the text needs; None if none."""
    if _invisible().search(text) is None:
        return None
    found = _invisible().search(_needed().sub("", text))
    return found and found[0]


def visible_pattern(excluded: str) -> str:
    """A regular expression for one character that is seen, or that a script or an emoji needs.

    `excluded` is what the character must not be either, in the form of a character class. The expression
    means the same in Python, ECMAScript and Rust.
    """
    return f"(?:[^{excluded}{_class(_INVISIBLE)}]|{needed_pattern()})"


def needed_pattern() -> str:
    """A regular expression for invisible characters where they are needed."""
    emoji, joining, virama = (_class(ranges) for ranges in (_EMOJI, _JOINING, _VIRAMAS))
    mongolian = _class([(0x1820, 0x18AA)])
    flags = "|".join("".join(chr(0xE0000 + ord(letter)) for letter in tags) for tags in _FLAG_TAGS)
    return "|".join(
        (
            rf"(?<=[{joining}])[\u200c\u200d](?=[{joining}])",
            rf"(?<=[{virama}])[\u200c\u200d]",
            rf"(?<=[{emoji}\ufe0f])\u200d(?=[{emoji}])",
            rf"(?<=[{emoji}])[\ufe0e\ufe0f]",
            r"(?<=[0-9#*])\ufe0f(?=\u20e3)",  # keycaps
            rf"(?<={chr(0x1F3F4)})(?:{flags}){chr(0xE007F)}",
            rf"(?<=[{_class(_IDEOGRAPHS)}])[\ufe00-\ufe02{_class([(0xE0100, 0xE01EF)])}]",
            rf"(?<=[{mongolian}])[\u180b-\u180f]",
        )
    )


def _class(ranges: Iterable[Range]) -> str:
    """The inside of a character class."""
    return "".join(
        _escaped(first) if first == last else f"{_escaped(first)}-{_escaped(last)}" for first, last in ranges
    )


def _escaped(number: int) -> str:
    # Only an escape of four digits is the same everywhere: higher characters stand for themselves.
    return f"\\u{number:04x}" if number <= 0xFFFF else chr(number)  # noqa: PLR2004 - the last of four digits


# Compiled when the first name comes that is not ASCII: it takes longer than the whole import.
@cache
def _invisible() -> re.Pattern[str]:
    return re.compile(f"[{_class(_INVISIBLE)}]")


@cache
def _needed() -> re.Pattern[str]:
    return re.compile(needed_pattern())
