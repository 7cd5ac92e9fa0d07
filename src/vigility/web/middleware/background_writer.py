"""Writes a log from a thread of its own, so that a reader that stalls delays nobody."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

logger: Final = logging.getLogger("vigility.web")

_T = TypeVar("_T")

# What arrives within this time is written together. A longer time saves nothing more.
GATHER_SECONDS: Final = 0.05


class NotWritten(Exception):
    """Raised by what writes: the last `count` of the lines could not be written. They count as lost."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} lines could not be written")
        self.count = count


class BackgroundWriter(Generic[_T]):
    """A bounded queue and the thread that empties it. Items that do not fit are counted instead of kept."""

    def __init__(self, write: Callable[[Sequence[_T], int], None], max_waiting: int) -> None:
        """`write` gets all items that wait, and how many were lost before it was called; it may block.

        It writes a line for each item and, if any were lost, a last one with their number.
        """
        self._write = write
        self._max_waiting = max_waiting
        self._waiting: deque[_T] = deque()
        self._lost = self._failed = self._reported = 0
        self._due = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, items: Sequence[_T]) -> None:
        """Have items written soon. Never waits. For one thread only."""
        room = self._max_waiting - len(self._waiting)
        if len(items) > room:
            self._lost += len(items) - room
            items = items[:room]
        self._waiting.extend(items)
        if not self._due.is_set():
            self._due.set()
            if self._thread is None:  # starts with the first item, which is after any fork
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()

    def close(self, timeout: float) -> bool:
        """Wait, at most `timeout` seconds, until everything is written; return whether it is."""
        if self._thread is None:
            return True
        self._closing.set()
        self._due.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._due.wait()
            self._closing.wait(GATHER_SECONDS)
            self._due.clear()  # before the queue is read, so that no item is forgotten
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        while (items := self._take()) or self._lost + self._failed > self._reported:
            lost = self._lost + self._failed
            unreported = lost - self._reported
            try:
                self._write(items, unreported)
            except NotWritten as error:
                # The line with the number is the last, so it was not written either.
                self._failed += error.count - (1 if unreported else 0)
                return  # until there is more to write
            except Exception:
                logger.exception("cannot write a log")
            self._reported = lost

    def _take(self) -> list[_T]:
        return [self._waiting.popleft() for _ in range(len(self._waiting))]
