"""HTTP on the wire: uvicorn's protocol over httptools, with limits and the fast path.

It overrides and uses private parts of uvicorn. `uvicorn_compat.py` declares them and checks that they exist.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from vigility.core.errors import VigilityError
from vigility.web.fast_path.contract import MAX_BODY_BYTES, PATH, REFUSED, STATE, FastPath
from vigility.web.server.timeouts import RequestTimeout, WriteTimeout

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application, HTTPScope

# How much of a request line and headers the parser may hold before the application sees any of it.
MAX_HEAD_BYTES: Final = 64 * 1024


class Protocol(HttpToolsProtocol):
    """One connection.

    Limits heads and slow clients, responds with JSON to what is not HTTP, and tries the fast path for
    `POST /track`.
    """

    cycle: RequestResponseCycle | FastPathCycle | None  # type: ignore[assignment]
    _head_bytes = 0
    _in_body = False
    _is_rejected = False  # everything that still arrives is ignored
    # The cycle whose response comes next. `cycle` may already be the one after it.
    _responding: RequestResponseCycle | FastPathCycle | None = None

    # typing has `override` from Python 3.12 on.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[explicit-override,override]
        """Called first."""
        super().connection_made(transport)
        self._write_timeout = WriteTimeout(self.loop, transport)
        self._request_timeout = RequestTimeout(self.loop, self._on_request_timeout)
        self._request_timeout.extend(0)

    def connection_lost(self, exc: Exception | None) -> None:  # type: ignore[explicit-override]
        """Called last."""
        if self._responding is not None and not self._responding.response_complete:
            self._responding.disconnected = True
        super().connection_lost(exc)
        self._request_timeout.cancel()
        self._write_timeout.cancel()

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        """Called with the bytes that arrived."""
        if self._is_rejected:
            return
        super().data_received(data)
        in_head = bool(self.scope) and "method" not in self.scope
        if not in_head and not self._in_body:
            self._head_bytes = 0
            if self._request_timeout.is_running or self.cycle is None or self.cycle.response_complete:
                self._on_complete_requests()
            return
        self._request_timeout.extend(len(data))
        self._head_bytes = self._head_bytes + len(data) if in_head else 0
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._reject(431, "The request's head is too large")

    def on_headers_complete(self) -> None:  # type: ignore[explicit-override]
        """Called when the head is complete."""
        version = self.parser.get_http_version()
        # The parser turns an exception raised here into an error of its own.
        if version not in {"1.0", "1.1"}:
            raise ValueError("unsupported version of HTTP")
        # RFC 9112, 3.2: with two Host headers, a proxy may have used the other one.
        if [name for name, _ in self.headers].count(b"host") != 1 and version == "1.1":
            raise ValueError("not exactly one Host header")
        if self.url == PATH and self._allows_fast_path():
            path = {"method": "POST", "path": PATH.decode(), "raw_path": PATH, "query_string": b""}
            self.scope.update(path)  # type: ignore[typeddict-item]
            self.cycle = self._responding = FastPathCycle(self, self.scope, self.parser.should_keep_alive())
        else:
            super().on_headers_complete()
        self._in_body = True

    def on_body(self, body: bytes) -> None:  # type: ignore[explicit-override]
        """Called with a part of the body."""
        super().on_body(body)
        if isinstance(self.cycle, FastPathCycle) and len(self.cycle.body) > MAX_BODY_BYTES:
            self.fall_back(self.cycle)

    def on_message_complete(self) -> None:  # type: ignore[explicit-override]
        """Called when the request is complete."""
        self._in_body = False
        super().on_message_complete()
        if isinstance(self.cycle, FastPathCycle):
            self._try_fast_path(self.cycle)

    def on_response_complete(self) -> None:  # type: ignore[explicit-override]
        """Called when a response is complete."""
        super().on_response_complete()
        if self.transport.is_closing():  # closing waits until the client has read the response
            self._write_timeout.start()

    def pause_writing(self) -> None:  # type: ignore[explicit-override]
        """Called when too much waits to be read by the client."""
        super().pause_writing()
        self._write_timeout.start()

    def resume_writing(self) -> None:  # type: ignore[explicit-override]
        """Called when little is left to be read by the client."""
        super().resume_writing()
        self._write_timeout.cancel()

    def timeout_keep_alive_handler(self) -> None:  # type: ignore[explicit-override]
        """Called when no request has arrived for a while."""
        if self.transport.get_write_buffer_size():  # closing would wait until the client has read it
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:  # type: ignore[explicit-override]
        """Called when what arrived is not HTTP."""
        self._reject(400, msg.removesuffix("."))

    def fall_back(self, fast: FastPathCycle) -> None:
        """Let the application handle a request, with what has arrived of it so far."""
        cycle = RequestResponseCycle(
            scope=fast.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=fast.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.body, cycle.more_body = fast.body, fast.more_body
        cycle.message_event.set()
        fast.response_complete = True  # the application responds; anything from the fast path is too late now
        if self.cycle is fast:  # and not already the next request
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:  # type: ignore[explicit-override]
        self._responding = cycle
        super()._start_asgi_task(cycle, app)

    def _allows_fast_path(self) -> bool:
        return (
            STATE in self.app_state
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.expect_100_continue  # its sender waits for an interim response before the body
            and not self.flow.write_paused  # a client that does not read responses must wait for the next
            and self.limit_concurrency is None  # only the normal path enforces it
            and (self.cycle is None or self.cycle.response_complete)
        )

    def _try_fast_path(self, fast: FastPathCycle) -> None:
        fast_path: FastPath = self.app_state[STATE]
        try:
            is_handled = fast_path.try_handle(self.headers, fast.body, self.client, fast)
        except Exception as bug:  # noqa: BLE001 - the parser would turn it into a 400, as if the sender were wrong
            fast.refuse(bug)
        else:
            if not is_handled:
                self.fall_back(fast)

    def _on_complete_requests(self) -> None:
        """Called when everything that has arrived is complete requests, or blank lines."""
        if self.cycle is None:  # blank lines before the first request
            return
        self._request_timeout.cancel()
        if self.cycle.response_complete and not self.transport.is_closing():
            # Blank lines, or the rest of a body whose response was sent before it arrived.
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _on_request_timeout(self, received: int) -> None:
        if self.flow.read_paused:  # the server is slow, not the client
            self._request_timeout.extend(0)
        elif received:
            self._reject(408, "The request took too long to arrive")
        else:
            self.transport.close()

    def _reject(self, status: int, sentence: str) -> None:
        """Respond to something that cannot be a request, and close. Pending responses are sent first."""
        cycle = self.cycle
        if cycle is not None and self._in_body:
            if self.pipeline or cycle.response_complete or getattr(cycle, "response_started", False):
                self.transport.close()
                return
        elif cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False
            self._is_rejected = True
            return
        body = b'{"error":"%s"}' % sentence.encode("ascii")
        size = b"content-length: %d\r\n" % len(body)
        head = b"content-type: application/json\r\nvary: Origin\r\nconnection: close\r\n"
        self.transport.write(STATUS_LINE[status] + head + size + b"\r\n" + body)
        self.transport.close()
        self._write_timeout.start()


class _IgnoredEvent:
    """Takes the place of a cycle's `message_event`, on which no application waits here."""

    def set(self) -> None:
        """Called when a part of the request has arrived, or the connection is lost."""


class FastPathCycle:
    """A request on the fast path: what uvicorn's protocol needs of a cycle, and a `Responder`."""

    __slots__ = ("_protocol", "body", "disconnected", "keep_alive", "more_body", "response_complete", "scope")

    message_event: Final = _IgnoredEvent()

    def __init__(self, protocol: Protocol, scope: HTTPScope, keep_alive: bool) -> None:
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
