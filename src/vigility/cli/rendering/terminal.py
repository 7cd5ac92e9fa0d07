"""The terminal as rich sees it: its width, its colours, and which characters it can show."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text


def standard_output() -> Console:
    """Stdout. Names are shown as they are: no markup, no emoji codes, no highlighting."""
    return Console(file=sys.stdout, markup=False, emoji=False, highlight=False)


def plain_table() -> Table:
    """A table without a frame: headings, a rule, rows."""
    from rich import box

    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")


def name(text: str) -> Text:
    """A name that breaks anywhere over lines where it is too long, escaped where stdout lacks its letters."""
    encoding = sys.stdout.encoding or "ascii"
    return Text(text.encode(encoding, "backslashreplace").decode(encoding), overflow="fold")
