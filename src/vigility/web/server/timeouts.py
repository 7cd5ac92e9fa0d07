"""How long a worker waits for those who send or read slowly: each holds one of its few connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

# So long a request may take to arrive, and a second more for each so many bytes that have come of it. 2 MiB
# over a line of 28 kbit/s get through; who sends a byte a second, to keep the connection, does not.
REQUEST_SECONDS: Final = 60.0
SLOWEST_BYTES_A_SECOND: Final = 1_000
# So long nothing at all of an answer may be read that is more than the system's buffers hold.
UNREAD_SECONDS: Final = 60.0


class RequestTimeout:
    """Bounds the time that the rest of a request may take. Requests that arrive whole cost it nothing."""

    __slots__ = ("_began", "_loop", "_overdue", "_received", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, overdue: Callable[[int], None]) -> None:
        """`overdue` is called once, with how many bytes came."""
        self._loop = loop
        self._overdue = overdue
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether time runs."""
        return self._timer is not None

    def go_on(self, received: int) -> None:
        """So many bytes have come, and more must; where no time runs, it begins."""
        if self._timer is None:
            self._began, self._received = self._loop.time(), 0
            self._timer = self._loop.call_later(REQUEST_SECONDS, self._look)
        self._received += received

    def end(self) -> None:
        """All has come, or the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        allowed = REQUEST_SECONDS + self._received / SLOWEST_BYTES_A_SECOND
        left = self._began + allowed - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._timer = None
            self._overdue(self._received)


class WriteTimeout:
    """Ends a connection whose other end reads nothing of what waits to be sent to it."""

    __slots__ = ("_left", "_loop", "_timer", "_transport")

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.WriteTransport) -> None:
        self._loop = loop
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Something waits to be read, and nothing else will end the connection."""
        if self._timer is None:
            self._left = self._transport.get_write_buffer_size()
            self._timer = self._loop.call_later(UNREAD_SECONDS, self._look)

    def end(self) -> None:
        """What waited is on its way, or the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._transport.get_write_buffer_size() < self._left:
            self.watch()
        else:
            self._transport.abort()
