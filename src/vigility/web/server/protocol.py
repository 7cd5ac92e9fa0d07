"""HTTP on the wire: uvicorn's protocol over httptools, with limits and the fast path.

It overrides and uses private parts of uvicorn. `uvicorn_compat.py` declares them and checks that they exist.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from vigility.web.fast_path.contract import MAX_BODY_BYTES, PATH, STATE, FastPath
from vigility.web.server import heads
from vigility.web.server.fast_path_cycle import FastPathCycle
from vigility.web.server.framing import ChunkFraming, parser_behind_head
from vigility.web.server.timeouts import RequestTimeout, WriteTimeout
from vigility.web.server.transport import LingeringTransport

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

# How much of a request line and headers the parser may hold before the application sees any of it.
MAX_HEAD_BYTES: Final = 64 * 1024


class Protocol(HttpToolsProtocol):
    """One connection.

    Limits heads, framing and slow clients, responds with JSON to what is not HTTP, ignores trailers and
    offers of an upgrade, and tries the fast path for `POST /track`.
    """

    cycle: RequestResponseCycle | FastPathCycle | None  # type: ignore[assignment]
    _head_bytes = 0
    _in_body = False
    _chunks: ChunkFraming | None = None  # of the request that arrives
    _is_paused = False  # the parser stops behind the head that it has read
    _is_rejected = False  # everything that still arrives is ignored
    _is_stopping = False  # the next response is the last one
    # The cycle whose response comes next. `cycle` may already be the one after it.
    _responding: RequestResponseCycle | FastPathCycle | None = None

    # typing has `override` from Python 3.12 on.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[explicit-override,override]
        """Called first."""
        self._head_check = heads.HeadCheck()
        self._lingering = LingeringTransport(transport, self.loop)
        super().connection_made(self._lingering)  # type: ignore[arg-type]
        self._write_timeout = WriteTimeout(self.loop, transport)
        self._request_timeout = RequestTimeout(self.loop, self._on_request_timeout)
        self._request_timeout.extend(0)

    def connection_lost(self, exc: Exception | None) -> None:  # type: ignore[explicit-override]
        """Called last."""
        if self._responding is not None and not self._responding.response_complete:
            self._responding.disconnected = True
        super().connection_lost(exc)
        self._lingering.on_lost()
        self._request_timeout.cancel()
        self._write_timeout.cancel()

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        """Called with the bytes that arrived."""
        if self._is_rejected or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        cycle, was_in_body = self.cycle, self._in_body
        if not self._parse(data):
            return
        in_head = self._is_in_head
        if not in_head and not self._in_body:
            self._head_bytes = 0
            if self._request_timeout.is_running or self.cycle is None or self.cycle.response_complete:
                self._on_complete_requests()
            return
        self._request_timeout.extend(len(data))
        if in_head and self.cycle is cycle and not was_in_body:  # else the head begins within these bytes
            self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._reject(431, "The request's head is too large")
        elif self._in_body and self._chunks is not None and self._chunks.is_excessive(len(data)):
            self._reject(431, "The request's chunks hold too much beside the content")

    def eof_received(self) -> bool:  # type: ignore[explicit-override,override]
        """Called when the client has closed its sending side. What it has asked is still answered."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or self._in_body or self.transport.is_closing():
            return False
        self._close_after(cycle)
        self._lingering.on_eof()
        return True

    def shutdown(self) -> None:  # type: ignore[explicit-override]
        """Called when the server stops: whoever has sent a request, or soon does, still gets the response."""
        if self._is_stopping:
            return
        self._is_stopping = True
        if self.cycle is not None and not self.cycle.response_complete:
            self._close_after(self.cycle)
        elif self._in_body:  # the response was sent before the rest of the request arrived
            self.transport.close()
        else:
            self._lingering.close_when_idle(self._idle_since)

    def on_header(self, name: bytes, value: bytes) -> None:  # type: ignore[explicit-override]
        """Called with each header, and each trailer: trailers are ignored."""
        if self._in_body:
            heads.check_trailer(name)
        else:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:  # type: ignore[explicit-override]
        """Called when the head is complete."""
        version = self.parser.get_http_version()
        if not self.url.startswith(b"/"):
            self.url = heads.with_path(self.url)
        # The parser turns an exception raised here into an error of its own.
        is_in_chunks = self._head_check.check(version, self.parser.get_method(), self.url, self.headers)
        self._chunks = ChunkFraming() if is_in_chunks else None
        self._is_paused = self.parser.should_upgrade()
        if self.url == PATH and version == "1.1" and self._allows_fast_path():
            path = {"method": "POST", "path": PATH.decode(), "raw_path": PATH, "query_string": b""}
            self.scope.update(path)  # type: ignore[typeddict-item]
            keep_alive = self.parser.should_keep_alive() and not self._is_stopping
            self.cycle = self._responding = FastPathCycle(self, self.scope, keep_alive)
        else:
            self._take_normal_path(version)
        self._in_body = True

    def on_body(self, body: bytes) -> None:  # type: ignore[explicit-override]
        """Called with a part of the body."""
        super().on_body(body)
        if self._chunks is not None:
            self._chunks.add_content(len(body))
        if isinstance(self.cycle, FastPathCycle) and len(self.cycle.body) > MAX_BODY_BYTES:
            self.fall_back(self.cycle)

    def on_message_complete(self) -> None:  # type: ignore[explicit-override]
        """Called when the request is complete."""
        if self._is_paused:  # it is not: the parser has not read the body
            return
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
            and not self.expect_100_continue  # its sender waits for an interim response before the body
            and not self.flow.write_paused  # a client that does not read responses must wait for the next
            and self.limit_concurrency is None  # only the normal path enforces it
            and (self.cycle is None or self.cycle.response_complete)
        )

    @property
    def _is_in_head(self) -> bool:
        return bool(self.scope) and "method" not in self.scope

    def _parse(self, data: bytes) -> bool:
        """Parse what arrived. Whether the connection goes on."""
        rest: bytes | memoryview = data
        try:
            while (stopped_at := self._feed(rest)) is not None:
                assert self.cycle is not None  # noqa: S101 - the parser has just read a head
                rest = memoryview(rest)[stopped_at:]
                self._is_paused = False
                self.parser = parser_behind_head(self.headers, self.cycle.keep_alive, self)
        except httptools.HttpParserError as error:
            self.logger.warning("Invalid HTTP request received.")
            is_known = isinstance(error.__context__, heads.BadRequest)
            self._reject(400, str(error.__context__) if is_known else "Invalid HTTP request received")
            return False
        return not self.transport.is_closing()

    def _feed(self, data: bytes | memoryview) -> int | None:
        """Give the parser these bytes. Where it stopped, if it did, behind a head that offers an upgrade."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as pause:
            return int(pause.args[0])
        return None

    def _close_after(self, cycle: RequestResponseCycle | FastPathCycle) -> None:
        """Make the response of this cycle the last one of the connection."""
        cycle.keep_alive = False
        if isinstance(cycle, RequestResponseCycle):  # it may say "keep-alive" there
            cycle.default_headers = self.server_state.default_headers

    def _idle_since(self) -> float | None:
        """When the last response was sent, or the connection began. None if a request is there."""
        is_pending = self.cycle is not None and not self.cycle.response_complete
        if is_pending or self._in_body or self._is_in_head:
            return None
        if self.timeout_keep_alive_task is not None:
            return self.timeout_keep_alive_task.when() - self.timeout_keep_alive
        return self._request_timeout.began

    def _take_normal_path(self, version: str) -> None:
        if version == "1.0":  # its sender does not know interim responses
            self.expect_100_continue = False
        super().on_headers_complete()
        cycle = self.cycle
        assert isinstance(cycle, RequestResponseCycle)  # noqa: S101 - the line above has made it
        if version == "1.0" and heads.asks_for_keep_alive(self.headers):
            cycle.keep_alive = True
            cycle.default_headers = [*cycle.default_headers, (b"connection", b"keep-alive")]
        if self._is_stopping:
            self._close_after(cycle)

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
            self._close_after(cycle)
            self._is_rejected = True
            return
        self.transport.write(STATUS_LINE[status] + heads.rejection(sentence))
        self.transport.close()
        self._write_timeout.start()
