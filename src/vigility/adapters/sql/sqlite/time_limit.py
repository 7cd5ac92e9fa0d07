"""A time limit for reading an SQLite file, as servers have one: SQLite itself has none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

# How many steps of SQLite's virtual machine lie between two looks at the clock: some 10 ms.
_STEPS: Final = 1_000_000


@contextmanager
def time_limit(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """End what runs inside the block on this connection after so many seconds, with SQLITE_INTERRUPT."""
    until = monotonic() + seconds
    connection.set_progress_handler(lambda: int(monotonic() > until), _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
