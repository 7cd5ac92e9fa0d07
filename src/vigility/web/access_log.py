"""The access log: one line of JSON for each request, without tokens, passwords, cookies or queries."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter, time
from typing import Final

from falcon.asgi import Response

from vigility.web.addresses import Addresses
from vigility.web.requests import Request

_LONGEST_PATH: Final = 200


class AccessLog:
    """Falcon's hooks round each request."""

    def __init__(self, addresses: Addresses, write: Callable[[bytes], None] | None) -> None:
        self._addresses = addresses
        self._write = write

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Find its sender's address."""
        req.context.address = self._addresses.client_of(req)

    async def process_response(self, req: Request, resp: Response, _resource: object, _ok: bool) -> None:
        """Name the request to its sender, and write its line."""
        resp.set_header("X-Request-ID", req.context.request_id)
        if self._write is None:
            return
        body = await resp.render_body()
        line = {
            "time": datetime.fromtimestamp(time(), UTC).isoformat(timespec="milliseconds"),
            "pid": os.getpid(),
            "request_id": req.context.request_id,
            "address": req.context.address,
            "method": req.method,
            "path": req.path[:_LONGEST_PATH],
            "status": resp.status_code,
            "ms": round((perf_counter() - req.context.began) * 1000, 2),
            "bytes": len(body or b""),
            "user_id": req.context.user_id,
        }
        # Pure ASCII: nothing that was sent can begin a new line or steer a terminal.
        self._write(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")


def to_stdout(line: bytes) -> None:
    """Write a line in one call, so that the lines of several workers do not mix."""
    with suppress(OSError):  # whoever read the log is gone; requests are served all the same
        os.write(sys.stdout.fileno(), line)
