"""The terminal as rich sees it: its width, its colours, and which characters it can show."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from vigility.cli.console import visible

# Below it, bars and shares would leave no room for the names and counts themselves.
NARROW: Final = 44


def standard_output() -> Console:
    """Stdout. Names are shown as they are: no markup, no emoji codes, no highlighting."""
    return Console(file=sys.stdout, markup=False, emoji=False, highlight=False)


class ByWidth:
    """Something that is drawn one way or another, by the width it is given."""

    def __init__(self, draw: Callable[[int], RenderableType]) -> None:
        self._draw = draw

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._draw(options.max_width)


def plain_table() -> Table:
    """A table without a frame: headings, a rule, rows."""
    from rich import box

    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")


def name(text: str) -> Text:
    """A name that breaks anywhere over lines where it is too long.

    Escaped is what stdout lacks letters for, and what would turn the direction of the figures beside it.
    """
    encoding = sys.stdout.encoding or "ascii"
    return Text(visible(text).encode(encoding, "backslashreplace").decode(encoding), overflow="fold")
