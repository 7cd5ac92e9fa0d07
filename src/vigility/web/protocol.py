"""HTTP as the worker speaks it: uvicorn's protocol over httptools, with bounds and the short way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from vigility.core.errors import VigilityError
from vigility.web.short_way import MAX_BODY_BYTES, PATH, REFUSED, STATE, ShortWay

if TYPE_CHECKING:
    from uvicorn._types import HTTPScope

# What the parser holds of a request line and headers before the application sees any of it.
MAX_HEAD_BYTES: Final = 64 * 1024


class Protocol(HttpToolsProtocol):
    """A bound on the head of a request, JSON for what is no HTTP, and the short way of `POST /track`."""

    cycle: RequestResponseCycle | ShortCycle | None  # type: ignore[assignment]
    _head_bytes = 0

    # typing has `override` from Python 3.12 on.
    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        """Called with what has arrived."""
        super().data_received(data)
        in_head = bool(self.scope) and "method" not in self.scope
        self._head_bytes = self._head_bytes + len(data) if in_head else 0
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431, "The request's head is too large")

    def on_headers_complete(self) -> None:  # type: ignore[explicit-override]
        """Called when the head is whole."""
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            raise ValueError("another version of HTTP")  # which the parser passes on as an error of its own
        # RFC 9112, 3.2: where there are two, a proxy may have gone by the other.
        if [name for name, _ in self.headers].count(b"host") != 1 and version == "1.1":
            raise ValueError("not one Host")
        if self.url == PATH and self._may_be_short():
            path = {"method": "POST", "path": PATH.decode(), "raw_path": PATH, "query_string": b""}
            self.scope.update(path)  # type: ignore[typeddict-item]
            self.cycle = ShortCycle(self, self.scope, self.parser.should_keep_alive())
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:  # type: ignore[explicit-override]
        """Called with a part of the body."""
        super().on_body(body)
        if isinstance(self.cycle, ShortCycle) and len(self.cycle.body) > MAX_BODY_BYTES:
            self.go_the_general_way(self.cycle)

    def on_message_complete(self) -> None:  # type: ignore[explicit-override]
        """Called when the request is whole."""
        super().on_message_complete()
        short = self.cycle
        if isinstance(short, ShortCycle):
            short_way: ShortWay = self.app_state[STATE]
            if not short_way.take(self.headers, short.body, self.client, short):
                self.go_the_general_way(short)

    def send_400_response(self, msg: str) -> None:  # type: ignore[explicit-override]
        """Called where what arrived is not HTTP."""
        self._refuse(400, msg.removesuffix("."))

    def _may_be_short(self) -> bool:
        return (
            STATE in self.app_state
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.flow.write_paused  # who does not read the answers must wait for the next
            and (self.cycle is None or self.cycle.response_complete)
        )

    def go_the_general_way(self, short: ShortCycle) -> None:
        """Let the application answer a request, with what has arrived of it so far."""
        cycle = RequestResponseCycle(
            scope=short.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=short.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.body, cycle.more_body = short.body, short.more_body
        cycle.message_event.set()
        if self.cycle is short:  # and not the next request already
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)

    def _refuse(self, status: int, sentence: str) -> None:
        body = b'{"error":"%s"}' % sentence.encode("ascii")
        size = b"content-length: %d\r\n" % len(body)
        head = b"content-type: application/json\r\nvary: Origin\r\nconnection: close\r\n"
        self.transport.write(STATUS_LINE[status] + head + size + b"\r\n" + body)
        self.transport.close()


class _NoEvent:
    """Stands for the event that the application of a cycle waits for, where no application does."""

    def set(self) -> None:
        """Called when a part of the request has arrived, or the connection is lost."""


class ShortCycle:
    """A request that went the short way: what uvicorn's protocol asks of a cycle, and `Exchange`."""

    __slots__ = ("_protocol", "body", "disconnected", "keep_alive", "more_body", "response_complete", "scope")

    message_event: Final = _NoEvent()

    def __init__(self, protocol: Protocol, scope: HTTPScope, keep_alive: bool) -> None:
        self._protocol = protocol
        self.scope = scope
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.more_body = True
        self.response_complete = False
        self.disconnected = False

    def answer(self, status: int, rest: bytes) -> None:
        """See `Exchange.answer`."""
        if self.disconnected:
            return
        protocol = self._protocol
        common = b"".join([b"%b: %b\r\n" % header for header in protocol.server_state.default_headers])
        protocol.transport.write(STATUS_LINE[status] + common + rest)
        self.response_complete = True
        if not self.keep_alive:
            protocol.transport.close()
        protocol.on_response_complete()

    def refuse(self, error: VigilityError) -> None:
        """See `Exchange.refuse`."""
        if not self.disconnected:
            self.scope[REFUSED] = error  # type: ignore[typeddict-unknown-key]
            self._protocol.go_the_general_way(self)
