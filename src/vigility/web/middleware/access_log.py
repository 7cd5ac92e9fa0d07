"""The access log: one line of JSON for each request, without tokens, passwords, cookies or queries."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache, partial
from time import perf_counter, time
from typing import Final, Self

import msgspec
from falcon.asgi import Response

from vigility.config import Settings
from vigility.web.http.client_address import ClientAddressResolver
from vigility.web.http.requests import Request, peer_of
from vigility.web.middleware.background_writer import BackgroundWriter
from vigility.web.middleware.log_output import StandardOutput

# A worker at full load fills this in two seconds. It takes some 10 MB.
MAX_WAITING_LINES: Final = 20_000
_MAX_PATH_LENGTH: Final = 200
_DELETE: Final = b"\x7f"
# How long a worker that stops waits for the reader of the log.
_FLUSH_SECONDS: Final = 1.0
# Clients whose addresses are kept, so that those behind a proxy are not computed for each request.
_KEPT_ADDRESSES: Final = 1_000

Sink = Callable[[bytes], None]


class Served(msgspec.Struct, gc=False, frozen=True):
    """What the log is told about a request and its response. `seconds` is the time between the two."""

    request_id: str
    peer: str
    forwarded_for: str | None
    status: int
    seconds: float
    size: int
    user_id: int | None


class Line(msgspec.Struct, gc=False, frozen=True):
    """The members of a line, in their order. `ms` is the time between request and response."""

    time: str
    pid: int
    request_id: str
    address: str
    method: str
    path: str
    status: int
    ms: float
    bytes: int
    user_id: int | None


class LostLines(msgspec.Struct, gc=False, frozen=True):
    """How many lines were lost because too many waited. A line of its own."""

    time: str
    pid: int
    lines_lost: int


class AccessLog:
    """Finds the client's address before each request, and has a line written after it."""

    def __init__(self, addresses: ClientAddressResolver, sink: Sink | None) -> None:
        """`sink` writes some lines, in another thread; without one the log is off.

        It may block, and raise NotWritten.
        """
        self._address_of = lru_cache(_KEPT_ADDRESSES)(addresses.resolve)
        self._time_text = _TimeText()
        self._pid = os.getpid()
        write = None if sink is None else partial(_write_lines, sink)
        self._writer = None if write is None else BackgroundWriter(write, MAX_WAITING_LINES)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The log of these settings, on standard output."""
        sink = StandardOutput() if settings.access_log == "on" else None
        return cls(ClientAddressResolver(settings.trusted_proxies), sink)

    @property
    def is_on(self) -> bool:
        """Whether lines are written."""
        return self._writer is not None

    async def process_request(self, req: Request, _resp: Response) -> None:
        """Find the client's address."""
        peer = peer_of(req.scope.get("client"))
        req.context.address = self._address_of(peer, req.get_header("X-Forwarded-For"))

    async def process_response(self, req: Request, resp: Response, _resource: object, _ok: bool) -> None:
        """Send the request's id to the client, and write the line."""
        resp.set_header("X-Request-ID", req.context.request_id)
        if not self.is_on:
            return
        served = Served(
            request_id=req.context.request_id,
            peer=peer_of(req.scope.get("client")),
            forwarded_for=req.get_header("X-Forwarded-For"),
            status=resp.status_code,
            seconds=perf_counter() - req.context.began,
            size=len(await resp.render_body() or b""),
            user_id=req.context.user_id,
        )
        self.write(req.method, req.path, [served])

    def write(self, method: str, path: str, served: Sequence[Served]) -> None:
        """Have a line written for each of some requests, all of which got their responses just now.

        Never waits: lines are counted instead if too many wait.
        """
        if self._writer is None:
            return
        path = path[:_MAX_PATH_LENGTH]
        time, pid, address_of = self._time_text(), self._pid, self._address_of
        self._writer.put(
            [
                Line(
                    time,
                    pid,
                    each.request_id,
                    address_of(each.peer, each.forwarded_for),
                    method,
                    path,
                    each.status,
                    int(each.seconds * 100_000) / 100,
                    each.size,
                    each.user_id,
                )
                for each in served
            ]
        )

    def close(self) -> None:
        """Write what waits, unless the reader of the log takes longer than a second."""
        if self._writer is not None:
            self._writer.close(_FLUSH_SECONDS)


class _TimeText:
    """The present moment as text, to the millisecond. Cheap: many lines have the same."""

    def __init__(self) -> None:
        self._millis = -1
        self._text = ""

    def __call__(self) -> str:
        millis = int(time() * 1000)
        if millis != self._millis:
            self._millis = millis
            self._text = datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds")
        return self._text


_ENCODER: Final = msgspec.json.Encoder()


def _write_lines(sink: Sink, lines: Sequence[Line], lost: int) -> None:
    """Write some lines, and how many were lost, if any."""
    items: list[msgspec.Struct] = [*lines]
    if lost:
        items.append(LostLines(_TimeText()(), os.getpid(), lost))
    sink(_encoded(items))


def _encoded(items: Sequence[msgspec.Struct]) -> bytes:
    """Printable ASCII: nothing that was sent can start a new line or control a terminal."""
    with suppress(UnicodeEncodeError):  # half a surrogate pair
        lines = _ENCODER.encode_lines(items)
        if lines.isascii() and _DELETE not in lines:
            return lines
    texts = (json.dumps(msgspec.to_builtins(item), separators=(",", ":")) for item in items)
    return "".join(f"{text}\n" for text in texts).encode("ascii").replace(_DELETE, rb"\u007f")
