"""HTTP as the worker speaks it: uvicorn's protocol over httptools, with bounds and the short way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from vigility.core.errors import VigilityError
from vigility.web.server.timeouts import RequestTimeout, WriteTimeout
from vigility.web.fast_path.contract import MAX_BODY_BYTES, PATH, REFUSED, STATE, FastPath

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application, HTTPScope

# What the parser holds of a request line and headers before the application sees any of it.
MAX_HEAD_BYTES: Final = 64 * 1024


class Protocol(HttpToolsProtocol):
    """Bounds on heads and on slowness, JSON for what is no HTTP, and the short way of `POST /track`."""

    cycle: RequestResponseCycle | FastPathCycle | None  # type: ignore[assignment]
    _head_bytes = 0
    _in_body = False
    _is_refused = False  # and what still comes is forgotten
    # The one whose answer is next; `cycle` may be one behind it already.
    _answering: RequestResponseCycle | FastPathCycle | None = None

    # typing has `override` from Python 3.12 on.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[explicit-override,override]
        """Called first."""
        super().connection_made(transport)
        self._unread = WriteTimeout(self.loop, transport)
        self._arrival = RequestTimeout(self.loop, self._on_overdue)
        self._arrival.go_on(0)

    def connection_lost(self, exc: Exception | None) -> None:  # type: ignore[explicit-override]
        """Called last."""
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
        super().connection_lost(exc)
        self._arrival.end()
        self._unread.end()

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        """Called with what has arrived."""
        if self._is_refused:
            return
        super().data_received(data)
        in_head = bool(self.scope) and "method" not in self.scope
        if not in_head and not self._in_body:
            self._head_bytes = 0
            if self._arrival.is_awaited or self.cycle is None or self.cycle.response_complete:
                self._on_whole()
            return
        self._arrival.go_on(len(data))
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
            self.cycle = self._answering = FastPathCycle(self, self.scope, self.parser.should_keep_alive())
        else:
            super().on_headers_complete()
        self._in_body = True

    def on_body(self, body: bytes) -> None:  # type: ignore[explicit-override]
        """Called with a part of the body."""
        super().on_body(body)
        if isinstance(self.cycle, FastPathCycle) and len(self.cycle.body) > MAX_BODY_BYTES:
            self.fall_back(self.cycle)

    def on_message_complete(self) -> None:  # type: ignore[explicit-override]
        """Called when the request is whole."""
        self._in_body = False
        super().on_message_complete()
        if isinstance(self.cycle, FastPathCycle):
            self._take(self.cycle)

    def on_response_complete(self) -> None:  # type: ignore[explicit-override]
        """Called when a request is answered."""
        super().on_response_complete()
        if self.transport.is_closing():  # which waits for the answer to be read
            self._unread.watch()

    def pause_writing(self) -> None:  # type: ignore[explicit-override]
        """Called when too much waits to be read at the other end."""
        super().pause_writing()
        self._unread.watch()

    def resume_writing(self) -> None:  # type: ignore[explicit-override]
        """Called when little waits any more."""
        super().resume_writing()
        self._unread.end()

    def timeout_keep_alive_handler(self) -> None:  # type: ignore[explicit-override]
        """Called when nothing was asked for a while."""
        if self.transport.get_write_buffer_size():  # to close would wait for it to be read
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:  # type: ignore[explicit-override]
        """Called where what arrived is not HTTP."""
        self._refuse(400, msg.removesuffix("."))

    def fall_back(self, short: FastPathCycle) -> None:
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
        short.response_complete = True  # by the other; whatever the short way says now is too late
        if self.cycle is short:  # and not the next request already
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:  # type: ignore[explicit-override]
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _may_be_short(self) -> bool:
        return (
            STATE in self.app_state
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.expect_100_continue  # whose sender waits for a word before the body
            and not self.flow.write_paused  # who does not read the answers must wait for the next
            and self.limit_concurrency is None  # which only the general way heeds
            and (self.cycle is None or self.cycle.response_complete)
        )

    def _take(self, short: FastPathCycle) -> None:
        short_way: FastPath = self.app_state[STATE]
        try:
            is_taken = short_way.take(self.headers, short.body, self.client, short)
        except Exception as bug:  # noqa: BLE001 - the parser would make it a 400, as if the sender had erred
            short.refuse(bug)
        else:
            if not is_taken:
                self.fall_back(short)

    def _on_whole(self) -> None:
        """All that has arrived is whole requests, or nothing of one."""
        if self.cycle is None:  # blank lines before the first
            return
        self._arrival.end()
        if self.cycle.response_complete and not self.transport.is_closing():
            # Blank lines, or the rest of a body that was answered before it had come.
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _on_overdue(self, received: int) -> None:
        if self.flow.read_paused:  # it is we who take so long
            self._arrival.go_on(0)
        elif received:
            self._refuse(408, "The request took too long to arrive")
        else:
            self.transport.close()

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer what cannot be a request, and close: after the answers before it, where some are pending."""
        cycle = self.cycle
        if cycle is not None and self._in_body:
            if self.pipeline or cycle.response_complete or getattr(cycle, "response_started", False):
                self.transport.close()
                return
        elif cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False
            self._is_refused = True
            return
        body = b'{"error":"%s"}' % sentence.encode("ascii")
        size = b"content-length: %d\r\n" % len(body)
        head = b"content-type: application/json\r\nvary: Origin\r\nconnection: close\r\n"
        self.transport.write(STATUS_LINE[status] + head + size + b"\r\n" + body)
        self.transport.close()
        self._unread.watch()


class _NoEvent:
    """Stands for the event that the application of a cycle waits for, where no application does."""

    def set(self) -> None:
        """Called when a part of the request has arrived, or the connection is lost."""


class FastPathCycle:
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
        """See `Exchange.refuse`."""
        if not self._is_over:
            self.scope[REFUSED] = error  # type: ignore[typeddict-unknown-key]
            self._protocol.fall_back(self)
        elif not isinstance(error, VigilityError):
            self._protocol.logger.error("a request failed that nobody waits for any more", exc_info=error)

    @property
    def _is_over(self) -> bool:
        return self.disconnected or self.response_complete or self._protocol.transport.is_closing()
