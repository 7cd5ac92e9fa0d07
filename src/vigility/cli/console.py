"""Lines of text to the user: results to stdout, all else to stderr."""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Final

_LINE_BREAKS: Final = re.compile(r"\s*[\r\n]\s*")

# Embeddings, overrides and isolates: one left open in a name would turn the figures behind it. The letters
# of Arabic and Hebrew need none of them.
_TURNING: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def show(text: str) -> None:
    """A result, as it is. Not typer.echo, which writes UTF-8 where ASCII was asked for."""
    print(text)  # noqa: T201


def say(text: str) -> None:
    """One line about what happens."""
    print(one_line(text), file=sys.stderr, flush=True)  # noqa: T201


def one_line(text: str) -> str:
    """The text without line breaks, and with what could steer a terminal made visible."""
    return visible(_LINE_BREAKS.sub(" ", text.strip()))


def visible(text: str) -> str:
    """The text with an escape for each character that steers a terminal, or turns the direction of what
    follows it."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    steers = unicodedata.category(character) in {"Cc", "Cs"}
    return ascii(character)[1:-1] if steers or unicodedata.bidirectional(character) in _TURNING else character
