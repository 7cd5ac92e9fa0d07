"""Progress on stderr: a bar if stderr is a terminal, otherwise only messages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from vigility.cli.console import log, one_line

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """Receives the progress of a long command."""

    def reached(self, done: int | None, note: str) -> None:
        """Show how much is done (None: unknown), with a note such as how much is stored."""
        ...

    def log(self, text: str) -> None:
        """Show one line that stays."""
        ...


class SilentProgress:
    """Shows no bar: for logs and pipes."""

    def reached(self, done: int | None, note: str) -> None:
        """Do nothing; the command prints a summary at its end."""

    def log(self, text: str) -> None:
        """See `Progress.log`."""
        log(text)


class TerminalProgress:
    """Shows a bar that is redrawn in place, with the logged lines above it."""

    def __init__(self, bar: RichProgress, total: int | None) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=total, note="")

    def reached(self, done: int | None, note: str) -> None:
        """See `Progress.reached`."""
        self._bar.update(self._task, completed=done, note=note)

    def log(self, text: str) -> None:
        """See `Progress.log`."""
        self._bar.console.print(one_line(text), markup=False, highlight=False, emoji=False, soft_wrap=True)


@contextmanager
def show_progress(total: int | None) -> Iterator[Progress]:
    """Show progress towards `total` (None: unknown) inside the block."""
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
