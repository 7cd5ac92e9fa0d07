"""Pausing Python's garbage collector while a batch is processed."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# More new objects than a process ever has, so that no collection starts. The threshold is raised, and the
# collector is not disabled: the application may disable or enable it meanwhile, and then that stands. Nobody
# else is likely to set this very number.
_PAUSED: Final = 2**31 - 11


class _Pause:
    """The one pause of this process. If there were two, either could leave the collector off for good."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.before = gc.get_threshold()


_PAUSE: Final = _Pause()


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause GC inside the block; nested use joins the outer pause.

    A batch creates some ten tuples an event and no reference cycles. Scanning them, and everything else
    that the program holds, took half of the time of an import into a large program.
    """
    lock = _PAUSE.lock
    if not lock.acquire(blocking=False):
        yield
        return
    try:
        if (before := gc.get_threshold())[0] != _PAUSED:  # or somebody restored what was set during a pause
            _PAUSE.before = before
        gc.set_threshold(_PAUSED, *_PAUSE.before[1:])
        yield
    finally:
        _resume()
        lock.release()


def _resume() -> None:
    """Set the threshold that was set before, unless the application has set another one since."""
    if gc.get_threshold()[0] == _PAUSED:
        gc.set_threshold(*_PAUSE.before)


def _resume_after_fork() -> None:  # pragma: no cover - runs in a child process, tested there
    if _PAUSE.lock.locked():  # by a thread of the parent, which the child does not have
        _PAUSE.lock = threading.Lock()
        _resume()


os.register_at_fork(after_in_child=_resume_after_fork)
