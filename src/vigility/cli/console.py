"""Lines of text for the user: results go to stdout, everything else to stderr."""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Final

_LINE_BREAKS: Final = re.compile(r"\s*[\r\n]\s*")

# Embeddings, overrides and isolates. If a name leaves one open, it reverses the numbers after it. Arabic
# and Hebrew text needs none of them.
_DIRECTION_CONTROLS: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def show(text: str) -> None:
    """Print a result as it is. Not typer.echo, which writes UTF-8 even if ASCII was asked for."""
    print(text)  # noqa: T201


def log(text: str) -> None:
    """Print one line about the progress of a command to stderr."""
    print(one_line(text), file=sys.stderr, flush=True)  # noqa: T201


def rate(number: int, seconds: float) -> str:
    """Format a speed as " (1,234 per second)"; empty below one second, and if stdout is no terminal.

    Scripts and documents can then rely on the output: it does not change with the speed of the machine.
    """
    if not sys.stdout.isatty() or number == 0 or seconds <= 1:
        return ""
    return f" ({number / seconds:,.0f} per second)"


def one_line(text: str) -> str:
    """Join the lines of a text, and make characters visible that could control a terminal."""
    return visible(_LINE_BREAKS.sub(" ", text.strip()))


def visible(text: str) -> str:
    """Escape each character that controls a terminal or changes the direction of the text after it."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    is_control = unicodedata.category(character) in {"Cc", "Cs"}
    if is_control or unicodedata.bidirectional(character) in _DIRECTION_CONTROLS:
        return ascii(character)[1:-1]
    return character
