"""gunicorn's worker: uvicorn's ASGI server, with uvloop and httptools."""

from __future__ import annotations

import os
import signal
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn_worker import UvicornWorker

# What the parser holds of a request line and headers before the application sees any of it.
MAX_HEAD_BYTES: Final = 64 * 1024
# What is left of the grace period when requests were waited for, to write and close.
_CLOSING_SECONDS: Final = 1
# How often a worker tells the master that it lives, and looks whether the master does.
_NOTIFY_SECONDS: Final = 1


class Protocol(HttpToolsProtocol):
    """httptools' protocol, with a bound on the head of a request and JSON for what is no HTTP."""

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
        if self.parser.get_http_version() not in {"1.0", "1.1"}:
            raise ValueError("another version of HTTP")  # which the parser passes on as an error of its own
        # RFC 9112, 3.2: where there are two, a proxy may have gone by the other.
        if [name for name, _ in self.headers].count(b"host") != 1 and self.parser.get_http_version() == "1.1":
            raise ValueError("not one Host")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # type: ignore[explicit-override]
        """Called where what arrived is not HTTP."""
        self._refuse(400, msg.removesuffix("."))

    def _refuse(self, status: int, sentence: str) -> None:
        body = b'{"error":"%s"}' % sentence.encode("ascii")
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(
            body
        )
        self.transport.write(STATUS_LINE[status] + b"vary: Origin\r\n" + head + body)
        self.transport.close()


class Worker(UvicornWorker):  # type: ignore[misc]
    """A worker process."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012 - the name and type are the base class's
        "loop": "uvloop",
        "http": Protocol,
        "ws": "none",
        "lifespan": "on",
        "interface": "asgi3",
        "access_log": False,  # the application writes its own
        "proxy_headers": False,  # it decides itself whose X-Forwarded-For to believe
        "server_header": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - gunicorn's affair
        super().__init__(*args, **kwargs)
        self.config.timeout_graceful_shutdown = max(1, self.cfg.graceful_timeout - _CLOSING_SECONDS)
        self.config.timeout_notify = _NOTIFY_SECONDS

    def init_signals(self) -> None:
        """Called before serving."""
        super().init_signals()
        # uvicorn stops gracefully and then raises the signal once more, for whoever handled it before:
        # by default that would kill a worker which has just ended well.
        signal.signal(signal.SIGTERM, lambda *_: None)

    async def callback_notify(self) -> None:
        """Called every moment while serving."""
        await super().callback_notify()
        if os.getppid() != self.ppid:
            # The master was killed. A worker without one would hold the port against a new start, for good.
            signal.raise_signal(signal.SIGTERM)
