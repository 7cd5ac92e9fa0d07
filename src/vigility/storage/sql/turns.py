"""Turns among the writers of one SQLite file, of all threads and processes.

SQLite's own busy handler sleeps and tries again: two writers were slower than one, and the slowest of a
hundred writes took ten times as long (the design notes have the figures). A lock that is waited for has
neither fault. It also keeps one process's checkpoint from racing another's write, which SQLite before
3.51.3 can lose committed transactions to ("WAL-reset bug").
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def taking_turns(lock_file: Path) -> Iterator[None]:
    """Hold the exclusive advisory lock on `lock_file`, made where it is missing. Raises OSError.

    Opened anew each time (some 10 µs): an open file description would be shared with a forked child,
    and with it the lock.
    """
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # and with it the lock
