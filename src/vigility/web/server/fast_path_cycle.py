"""A request on the fast path, in the place of uvicorn's cycle."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from vigility.core.errors import VigilityError
from vigility.web.fast_path.contract import REFUSED

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope
    from uvicorn.server import ServerState


class Connection(Protocol):
    """What a cycle needs of the protocol of its connection."""

    logger: logging.Logger
    server_state: ServerState
    transport: asyncio.Transport

    def on_response_complete(self) -> None:
        """Called when the response is sent."""
        ...

    def fall_back(self, fast: FastPathCycle) -> None:
        """Let the application handle the request."""
        ...


class _IgnoredEvent:
    """Takes the place of a cycle's `message_event`, on which no application waits here."""

    def set(self) -> None:
        """Called when a part of the request has arrived, or the connection is lost."""


class FastPathCycle:
    """A request on the fast path: what uvicorn's protocol needs of a cycle, and a `Responder`."""

    __slots__ = ("_protocol", "body", "disconnected", "keep_alive", "more_body", "response_complete", "scope")

    message_event: Final = _IgnoredEvent()

    def __init__(self, protocol: Connection, scope: HTTPScope, keep_alive: bool) -> None:
        self._protocol = protocol
        self.scope = scope
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.more_body = True
        self.response_complete = False
        self.disconnected = False

    def respond(self, status: int, rest: bytes) -> None:
        """See `Responder.respond`."""
        if self._is_over:
            return
        protocol = self._protocol
        common = b"".join([b"%b: %b\r\n" % header for header in protocol.server_state.default_headers])
        if not self.keep_alive:
            common += b"connection: close\r\n"
        protocol.transport.write(STATUS_LINE[status] + common + rest)
        self.response_complete = True
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()

    def refuse(self, error: Exception) -> None:
        """See `Responder.refuse`."""
        if not self._is_over:
            self.scope[REFUSED] = error  # type: ignore[typeddict-unknown-key]
            self._protocol.fall_back(self)
        elif not isinstance(error, VigilityError):
            self._protocol.logger.error("a request failed after its client had gone", exc_info=error)

    @property
    def _is_over(self) -> bool:
        return self.disconnected or self.response_complete or self._protocol.transport.is_closing()
