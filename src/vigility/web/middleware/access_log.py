"""The access log: one line of JSON for each request, without tokens, passwords, cookies or queries."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter, time
from typing import Final

from falcon.asgi import Response

from vigility.web.http.client_address import Addresses
from vigility.web.http.requests import Request, peer_of

_LONGEST_PATH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRecord:
    """A request and its answer, as far as the log tells. `seconds` is the time from the one to the other."""

    request_id: str
    address: str
    method: str
    path: str
    status: int
    seconds: float
    size: int
    user_id: int | None


class AccessLog:
    """Falcon's hooks round each request."""

    def __init__(self, addresses: Addresses, write: Callable[[bytes], None] | None) -> None:
        self._addresses = addresses
        self._write = write

    @property
    def is_on(self) -> bool:
        """Whether lines are written."""
        return self._write is not None

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Find its sender's address."""
        peer = peer_of(req.scope.get("client"))
        req.context.address = self._addresses.client_of(peer, req.get_header("X-Forwarded-For"))

    async def process_response(self, req: Request, resp: Response, _resource: object, _ok: bool) -> None:
        """Name the request to its sender, and write its line."""
        resp.set_header("X-Request-ID", req.context.request_id)
        if not self.is_on:
            return
        answered = AccessRecord(
            request_id=req.context.request_id,
            address=req.context.address,
            method=req.method,
            path=req.path,
            status=resp.status_code,
            seconds=perf_counter() - req.context.began,
            size=len(await resp.render_body() or b""),
            user_id=req.context.user_id,
        )
        self.note(answered)

    def address_of(self, peer: str, forwarded_for: str | None) -> str:
        """Whose request it is."""
        return self._addresses.client_of(peer, forwarded_for)

    def note(self, answered: AccessRecord) -> None:
        """Write the line of a request."""
        if self._write is None:
            return
        line = {
            "time": datetime.fromtimestamp(time(), UTC).isoformat(timespec="milliseconds"),
            "pid": os.getpid(),
            "request_id": answered.request_id,
            "address": answered.address,
            "method": answered.method,
            "path": answered.path[:_LONGEST_PATH],
            "status": answered.status,
            "ms": round(answered.seconds * 1000, 2),
            "bytes": answered.size,
            "user_id": answered.user_id,
        }
        # Pure ASCII: nothing that was sent can begin a new line or steer a terminal.
        self._write(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")


def to_stdout(line: bytes) -> None:
    """Write a line in one call, so that the lines of several workers do not mix."""
    with suppress(OSError):  # whoever read the log is gone; requests are served all the same
        os.write(sys.stdout.fileno(), line)
