"""Pausing Python's garbage collector while a batch is processed."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


class _Pause:
    """The one pause of this process. If there were two, either could leave the collector off for good."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.was_enabled = False


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
        _PAUSE.was_enabled = gc.isenabled()
        gc.disable()
        yield
    finally:
        if _PAUSE.was_enabled:
            gc.enable()
        lock.release()


def _resume_after_fork() -> None:  # pragma: no cover - runs in a child process, tested there
    if _PAUSE.lock.locked():  # by a thread of the parent, which the child does not have
        _PAUSE.lock = threading.Lock()
        if _PAUSE.was_enabled:
            gc.enable()


os.register_at_fork(after_in_child=_resume_after_fork)
