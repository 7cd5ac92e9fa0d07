"""How long a worker waits for clients that send or read slowly. Each holds one of its few connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

# A request has this long to arrive, plus one second for each SLOWEST_BYTES_A_SECOND bytes that have arrived.
# That lets 2 MiB through over a line of 28 kbit/s, but stops clients that send a byte a second to hold a
# connection.
REQUEST_SECONDS: Final = 60.0
SLOWEST_BYTES_A_SECOND: Final = 1_000
# How long a client may read nothing at all of a response that is larger than the system's buffers.
UNREAD_SECONDS: Final = 60.0


class RequestTimeout:
    """Limits how long the rest of a request may take. Costs nothing for requests that arrive in one piece."""

    __slots__ = ("_loop", "_on_timeout", "_received", "_timer", "began")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_timeout: Callable[[int], None]) -> None:
        """`on_timeout` is called once, with the number of bytes that arrived.

        `began` is when the timeout was started last, by the clock of the event loop.
        """
        self.began = loop.time()
        self._loop = loop
        self._on_timeout = on_timeout
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether the rest of a request is being waited for."""
        return self._timer is not None

    def extend(self, received: int) -> None:
        """Count bytes of a request that is not complete yet. The first call starts the timeout."""
        if self._timer is None:
            self.began, self._received = self._loop.time(), 0
            self._timer = self._loop.call_later(REQUEST_SECONDS, self._check)
        self._received += received

    def cancel(self) -> None:
        """Stop: the request is complete, or the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        allowed = REQUEST_SECONDS + self._received / SLOWEST_BYTES_A_SECOND
        left = self.began + allowed - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._check)
        else:
            self._timer = None
            self._on_timeout(self._received)


class WriteTimeout:
    """Aborts the connection if the client reads nothing for 60 s of what waits to be sent to it."""

    __slots__ = ("_loop", "_timer", "_transport", "_unread")

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.WriteTransport) -> None:
        self._loop = loop
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start, when something waits to be read and nothing else will end the connection."""
        if self._timer is None:
            self._unread = self._transport.get_write_buffer_size()
            self._timer = self._loop.call_later(UNREAD_SECONDS, self._check)

    def cancel(self) -> None:
        """Stop: little is left to send, or the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        if self._transport.get_write_buffer_size() < self._unread:
            self.start()
        else:
            self._transport.abort()
