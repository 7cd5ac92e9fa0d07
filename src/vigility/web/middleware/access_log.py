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

from vigility.web.http.client_address import ClientAddressResolver
from vigility.web.http.requests import Request, peer_of

_MAX_PATH_LENGTH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRecord:
    """What the log says about a request and its response. `seconds` is the time between the two."""

    request_id: str
    address: str
    method: str
    path: str
    status: int
    seconds: float
    size: int
    user_id: int | None


class AccessLog:
    """Finds the client's address before each request, and writes a line after it."""

    def __init__(self, addresses: ClientAddressResolver, sink: Callable[[bytes], None] | None) -> None:
        """`sink` writes a line; without one the log is off."""
        self._addresses = addresses
        self._sink = sink

    @property
    def is_on(self) -> bool:
        """Whether lines are written."""
        return self._sink is not None

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Find the client's address."""
        peer = peer_of(req.scope.get("client"))
        req.context.address = self.client_address(peer, req.get_header("X-Forwarded-For"))

    async def process_response(self, req: Request, resp: Response, _resource: object, _ok: bool) -> None:
        """Send the request's id to the client, and write the line."""
        resp.set_header("X-Request-ID", req.context.request_id)
        if not self.is_on:
            return
        record = AccessRecord(
            request_id=req.context.request_id,
            address=req.context.address,
            method=req.method,
            path=req.path,
            status=resp.status_code,
            seconds=perf_counter() - req.context.began,
            size=len(await resp.render_body() or b""),
            user_id=req.context.user_id,
        )
        self.write(record)

    def client_address(self, peer: str, forwarded_for: str | None) -> str:
        """The address that the request comes from."""
        return self._addresses.resolve(peer, forwarded_for)

    def write(self, record: AccessRecord) -> None:
        """Write the line of a request."""
        if self._sink is None:
            return
        line = {
            "time": datetime.fromtimestamp(time(), UTC).isoformat(timespec="milliseconds"),
            "pid": os.getpid(),
            "request_id": record.request_id,
            "address": record.address,
            "method": record.method,
            "path": record.path[:_MAX_PATH_LENGTH],
            "status": record.status,
            "ms": round(record.seconds * 1000, 2),
            "bytes": record.size,
            "user_id": record.user_id,
        }
        # Pure ASCII: nothing that was sent can start a new line or control a terminal.
        self._sink(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")


def to_stdout(line: bytes) -> None:
    """Write a line in one call, so that the lines of several workers do not mix."""
    with suppress(OSError):  # the reader of the log is gone; requests are still served
        os.write(sys.stdout.fileno(), line)
