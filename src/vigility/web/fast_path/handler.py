"""The fast path of `POST /track`, which nearly every request to a busy server takes.

For each request the normal path creates a task, an ASGI cycle, Falcon's request and response, and runs six
middleware hooks. That costs more than the event itself (docs/http-benchmarks.md has the figures). Here a
request whose token, user and form are known to be good goes straight to the group commit, and its response is
one write. Everything unusual, and every error, is left to the normal path. `tests/web/test_fast_path.py`
compares the responses of the two.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from time import perf_counter
from typing import Final

import msgspec

from vigility.core.errors import VigilityError
from vigility.core.events.model import StoredEvent
from vigility.core.events.ports import Outcome
from vigility.core.users.model import User
from vigility.web.auth.authentication import Authenticator
from vigility.web.fast_path.contract import PATH, Client, Headers, Responder
from vigility.web.fast_path.event_writer import EventWriter, track_response
from vigility.web.http.requests import peer_of, request_id
from vigility.web.middleware.access_log import AccessLog, Served
from vigility.web.middleware.hosts import AllowedHosts
from vigility.web.middleware.metrics import RequestMetrics
from vigility.web.middleware.security_headers import NO_STORE, SECURITY_HEADERS

_BEARER: Final = b"Bearer "
# These change how a request is authorised, read or responded to. (Trailers of a chunked body would arrive too
# late.)
_UNUSUAL: Final = frozenset(
    {b"cookie", b"origin", b"expect", b"upgrade", b"transfer-encoding", b"content-encoding"}
)
_KEEP_ALIVE: Final = b"keep-alive"
_JSON: Final = b"application/json"
_PATH_TEXT: Final = PATH.decode()
_HEADERS: Final = {
    **SECURITY_HEADERS,
    "Cache-Control": NO_STORE,
    "Content-Type": _JSON.decode(),
    "Vary": "Origin",
}
_HEAD: Final = "".join(f"{name.lower()}: {value}\r\n" for name, value in _HEADERS.items()).encode()


# Bodies with other members take the normal path, which says which are allowed.
class _Body(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    feature_name: str
    event_id: str | None = None
    timestamp: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Body)


class FastTrackHandler:
    """Implements `vigility.web.fast_path.contract.FastPath`. Used in the event loop only."""

    def __init__(
        self,
        authenticator: Authenticator,
        event_writer: EventWriter,
        request_metrics: RequestMetrics,
        access_log: AccessLog,
        hosts: AllowedHosts,
    ) -> None:
        self._authenticator = authenticator
        self._accepted_hosts = hosts.accepted
        self._event_writer = event_writer
        self._request_metrics = request_metrics
        self._access_log = access_log
        self._seconds: defaultdict[int, list[float]] = defaultdict(list)  # of responses, by their status
        self._served: list[Served] = []
        event_writer.after_each_batch = self._report

    def try_handle(
        self, headers: Headers, body: bytes | bytearray, client: Client, responder: Responder
    ) -> bool:
        """See `FastPath.try_handle`."""
        began = perf_counter()
        found = dict(headers)
        if len(found) < len(headers) or not _UNUSUAL.isdisjoint(found):
            return False
        if found.get(b"connection", _KEEP_ALIVE).lower() != _KEEP_ALIVE:
            return False
        if found.get(b"host") not in self._accepted_hosts:  # the normal path decides, once for each
            return False
        user = self._cached_user(found)
        if user is None or found.get(b"content-type") != _JSON:
            return False
        on_done = partial(self._on_done, _Request(began, user.id, found, client), responder)
        try:
            event = _DECODER.decode(body)
            self._event_writer.submit(user, event.feature_name, event.event_id, event.timestamp, on_done)
        except (ValueError, RecursionError, VigilityError):  # the normal path will report what is wrong
            return False
        return True

    def _cached_user(self, headers: dict[bytes, bytes]) -> User | None:
        authorization = headers.get(b"authorization", b"")
        if not authorization.startswith(_BEARER) or not authorization.isascii():
            return None
        return self._authenticator.cached_user(authorization[len(_BEARER) :].decode())

    def _on_done(self, request: _Request, responder: Responder, outcome: Outcome) -> None:
        if not isinstance(outcome, StoredEvent):
            responder.refuse(outcome)
            return
        try:
            self._respond(request, responder, outcome)
        except Exception as bug:  # noqa: BLE001 - otherwise the sender would wait for ever
            responder.refuse(bug)

    def _respond(self, request: _Request, responder: Responder, stored: StoredEvent) -> None:
        status, event = track_response(stored)
        content = msgspec.json.encode(event)
        named = request_id(_text(request.headers.get(b"x-request-id")))
        seconds = perf_counter() - request.began
        self._seconds[status].append(seconds)
        responder.respond(
            status,
            b"%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b"
            % (_HEAD, named.encode(), len(content), content),
        )
        if self._access_log.is_on:
            peer, forwarded_for = peer_of(request.client), _text(request.headers.get(b"x-forwarded-for"))
            self._served.append(
                Served(named, peer, forwarded_for, status, seconds, len(content), request.user_id)
            )

    def _report(self) -> None:
        """Count and log the responses of one batch together, which costs less than one by one."""
        if self._served:
            self._access_log.write("POST", _PATH_TEXT, self._served)
            self._served = []
        for status, seconds in self._seconds.items():
            if seconds:
                self._request_metrics.count("POST", _PATH_TEXT, status, seconds)
                seconds.clear()


class _Request(msgspec.Struct, gc=False, frozen=True):
    """What is kept of a request until its event is stored."""

    began: float
    user_id: int
    headers: dict[bytes, bytes]
    client: Client


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
