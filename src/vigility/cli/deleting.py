"""Long changes of stored events, step by step: their progress, and what an interrupted one says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vigility.cli.pluralize import pluralize
from vigility.cli.progress import show_progress
from vigility.core.maintenance import OnProgress


@contextmanager
def step_by_step(total: int, what_was_done: str) -> Iterator[OnProgress]:
    """Show progress towards `total` events, each of which is then "deleted", for example.

    To any error, add how many are, and how to continue.
    """
    done = 0
    with show_progress(total) as progress:

        def reached(count: int) -> None:
            nonlocal done
            done = count
            progress.reached(count, f"{pluralize(count, 'event')} {what_was_done}")

        try:
            yield reached
        except BaseException as error:
            so_far = f"{what_was_done} so far: {done:,} of {pluralize(total, 'event')}"
            error.add_note(f"{so_far}; to go on, run the same command again")
            raise
