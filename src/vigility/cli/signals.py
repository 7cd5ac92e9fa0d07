"""Ctrl-C and SIGTERM: they end the program at once, except while a batch is being stored."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """The user or the system asked the program to end. Not an Exception, as KeyboardInterrupt is none."""

    def __init__(self, number: int) -> None:
        super().__init__("Interrupted")
        self.number = number


class Signals:
    """Turns signals into `Interrupted`, and holds them back while something must not be torn."""

    def __init__(self) -> None:
        self._holding = False
        self._waiting: int | None = None
        self._handled: list[int] = []

    def install(self) -> None:
        """Handle the signals of this process, except those it was started to ignore (as by nohup)."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._arrived)
                self._handled.append(number)

    def release(self) -> None:
        """Let the system end the process at the next signal: this one is being dealt with, or an error is."""
        for number in self._handled:
            signal.signal(number, signal.SIG_DFL)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A signal that comes inside raises `Interrupted` only at the end; a second one, at once.

        The second is for the user who sees that the end does not come, as when another program holds
        the database.
        """
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._waiting is not None:
            raise Interrupted(self._waiting)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if not self._holding or self._waiting is not None:
            raise Interrupted(number)
        self._waiting = number
