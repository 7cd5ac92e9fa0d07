"""Closes connections so that nothing that is under way is lost."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

# How long a client may take to close its end, after the last response was sent.
LINGER_SECONDS: Final = 2.0
# When the server stops, a connection without a request is closed if none has come for so long. A client that
# uses its connections often will use this one before, and learns from the response that it is the last.
IDLE_SECONDS: Final = 2.0
_IDLE_CHECK_SECONDS: Final = 0.05


class LingeringTransport:
    """The transport of one connection; `close` lets the client read everything first.

    If a socket is closed while bytes are unread in it, the system resets the connection, and the client loses
    what it has not read yet: often the very response. So `close` ends the sending side only, and then
    discards what arrives until the client closes its end too, for a bounded time (RFC 9112, 9.6).
    """

    __slots__ = (
        "_has_eof",
        "_loop",
        "_timer",
        "_transport",
        "abort",
        "get_extra_info",
        "get_write_buffer_size",
        "is_closing",
        "pause_reading",
        "resume_reading",
        "write",
    )

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._has_eof = False
        # Bound here, so that they cost what the transport's own methods cost.
        self.abort = transport.abort
        self.get_extra_info: Callable[..., Any] = transport.get_extra_info
        self.get_write_buffer_size = transport.get_write_buffer_size
        self.is_closing: Callable[[], bool] = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.write: Callable[[bytes], object] = transport.write

    def close(self) -> None:
        """Send what was written, and let the client read it. Idempotent."""
        if self.is_closing():
            return
        if self._has_eof or not self._transport.can_write_eof():  # TLS has a closing message of its own
            self._transport.close()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        self.write, self.is_closing = _ignore, _yes
        self.on_lost()  # the connection may have waited to be idle
        self._timer = self._loop.call_later(LINGER_SECONDS, self._give_up)

    def close_when_idle(self, idle_since: Callable[[], float | None]) -> None:
        """Close once no request has come for a while.

        `idle_since` returns the moment of the last one, by the clock of the loop; None if one is there now,
        whose response will close the connection.
        """
        if self.is_closing() or (since := idle_since()) is None:
            return
        left = since + IDLE_SECONDS - self._loop.time()
        if left > 0 or self._has_unread_bytes():
            self._timer = self._loop.call_later(
                max(left, _IDLE_CHECK_SECONDS), self.close_when_idle, idle_since
            )
        else:
            self._end_at_once()
            self._transport.close()

    def on_eof(self) -> None:
        """To be called when the client has closed its sending side, and its responses are still to come."""
        self._has_eof = True

    def on_lost(self) -> None:
        """To be called when the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_at_once(self) -> None:
        """Tell the client now. The loop closes only after everything else that is due, which may take long.

        What the client sends until it is told is lost.
        """
        with suppress(OSError):  # the connection is lost
            descriptor = os.dup(self.get_extra_info("socket").fileno())
            with socket.socket(fileno=descriptor) as connection:
                connection.shutdown(socket.SHUT_WR)

    def _has_unread_bytes(self) -> bool:
        """Whether something has arrived that the protocol has not been given yet."""
        unread = bytearray(struct.calcsize("i"))
        with suppress(OSError, ValueError):  # the connection is lost
            fcntl.ioctl(self.get_extra_info("socket").fileno(), termios.FIONREAD, unread)
        return any(unread)

    def _give_up(self) -> None:
        if self._transport.get_write_buffer_size():  # another timeout ends a client that reads nothing
            self._timer = self._loop.call_later(LINGER_SECONDS, self._give_up)
        else:
            self._transport.abort()


def _ignore(_data: bytes) -> None:
    pass


def _yes() -> bool:
    return True
