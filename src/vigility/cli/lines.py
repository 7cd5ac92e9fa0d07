"""Lines of text to the user: results to stdout, all else to stderr."""

from __future__ import annotations

import re
import sys
import unicodedata
from typing import Final

_LINE_BREAKS: Final = re.compile(r"\s*[\r\n]\s*")


def show(text: str) -> None:
    """A result, as it is. Not typer.echo, which writes UTF-8 where ASCII was asked for."""
    print(text)  # noqa: T201


def say(text: str) -> None:
    """One line about what happens."""
    print(one_line(text), file=sys.stderr, flush=True)  # noqa: T201


def one_line(text: str) -> str:
    """The text without line breaks, and with what could steer a terminal made visible."""
    return "".join(_visible(character) for character in _LINE_BREAKS.sub(" ", text.strip()))


def _visible(character: str) -> str:
    return ascii(character)[1:-1] if unicodedata.category(character) in {"Cc", "Cs"} else character
