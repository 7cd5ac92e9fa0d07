"""The terminal as Rich sees it: its width, its colours and the characters it can show."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from vigility.cli.console import visible

# Below this width, bars and shares would leave no room for names and counts.
NARROW: Final = 44


def standard_output() -> Console:
    """Return a console for stdout that shows text as it is: no markup, emoji codes or highlighting."""
    return Console(file=sys.stdout, markup=False, emoji=False, highlight=False)


class ByWidth:
    """Draws something that depends on the available width."""

    def __init__(self, draw: Callable[[int], RenderableType]) -> None:
        self._draw = draw

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._draw(options.max_width)


def plain_table() -> Table:
    """Make a table without a frame: headings, a rule, rows."""
    from rich import box

    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")


def name(text: str) -> Text:
    """Return a name as text that can wrap at any character.

    Characters are escaped if the encoding of stdout lacks them, or if they would reverse the numbers next
    to the name.
    """
    encoding = sys.stdout.encoding or "ascii"
    return Text(visible(text).encode(encoding, "backslashreplace").decode(encoding), overflow="fold")
