"""The garbage collector, which rests while a batch is worked on."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


class _Rest:
    """Whose the collector's rest is. One at a time: of two, either could leave it off for good."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.was_enabled = False


_REST: Final = _Rest()


@contextmanager
def gc_paused() -> Iterator[None]:
    """Nothing is looked through by the garbage collector inside; where it rests for another, until that ends.

    A batch makes some ten tuples an event and no cycle among them; looking through them, and through all that
    the program holds besides, took half of the time of an import into a large program.
    """
    lock = _REST.lock
    if not lock.acquire(blocking=False):
        yield
        return
    try:
        _REST.was_enabled = gc.isenabled()
        gc.disable()
        yield
    finally:
        if _REST.was_enabled:
            gc.enable()
        lock.release()


def _wake_after_fork() -> None:  # pragma: no cover - in a child, tested there
    if _REST.lock.locked():  # by a thread that the child has not
        _REST.lock = threading.Lock()
        if _REST.was_enabled:
            gc.enable()


os.register_at_fork(after_in_child=_wake_after_fork)
