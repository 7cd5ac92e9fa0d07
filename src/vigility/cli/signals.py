"""Ctrl-C and SIGTERM: they end the program at once, except while a batch is being stored."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """The user or the system asked the program to end. Like KeyboardInterrupt, this is no Exception."""

    def __init__(self, number: int) -> None:
        super().__init__("Interrupted")
        self.number = number


class Signals:
    """Turns signals into `Interrupted`, and defers them during work that must be completed."""

    def __init__(self) -> None:
        self._deferring = False
        self._deferred: int | None = None
        self._handled: list[int] = []

    def install(self) -> None:
        """Handle the signals of this process, except those that it was started to ignore (as by nohup)."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)
                self._handled.append(number)

    def release(self) -> None:
        """Let the next signal kill the process: the program is already handling an error or a signal."""
        for number in self._handled:
            signal.signal(number, signal.SIG_DFL)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Raise `Interrupted` for a signal inside the block only at its end, for a second one at once.

        The user sends a second one if the end does not come, for example because another program holds
        a lock on the database.
        """
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False
        if self._deferred is not None:
            raise Interrupted(self._deferred)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if not self._deferring or self._deferred is not None:
            raise Interrupted(number)
        self._deferred = number
