"""Progress on stderr: a bar where that is a terminal, and nothing but notices where it is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from vigility.cli.console import one_line, say

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """Where a long command says how far it is."""

    def reached(self, done: int | None, note: str) -> None:
        """Show how much is done (None: unknown), with a note such as what is stored."""
        ...

    def say(self, text: str) -> None:
        """Show one line that stays."""
        ...


class SilentProgress:
    """No bar: for logs and pipes."""

    def reached(self, done: int | None, note: str) -> None:
        """Nothing; the end of the command will say it."""

    def say(self, text: str) -> None:
        """See `Progress.say`."""
        say(text)


class TerminalProgress:
    """A bar that is redrawn in place; lines that are said move above it."""

    def __init__(self, bar: RichProgress, total: int | None) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=total, note="")

    def reached(self, done: int | None, note: str) -> None:
        """See `Progress.reached`."""
        self._bar.update(self._task, completed=done, note=note)

    def say(self, text: str) -> None:
        """See `Progress.say`."""
        self._bar.console.print(one_line(text), markup=False, highlight=False, emoji=False, soft_wrap=True)


@contextmanager
def progress(total: int | None) -> Iterator[Progress]:
    """Show progress towards `total` (None: the end is unknown) while the block runs."""
    if not sys.stderr.isatty():
        yield SilentProgress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}", markup=False),
    )
    console = Console(file=sys.stderr)
    with RichProgress(*columns, console=console, transient=True, refresh_per_second=5) as bar:
        yield TerminalProgress(bar, total)
