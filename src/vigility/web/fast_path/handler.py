"""The short way of `POST /track`, which nearly every request to a busy server is.

The general way makes a task, an ASGI cycle, Falcon's request and response and six hooks for each request:
more than all that the event itself costs (docs/http-benchmarks.md has the figures). Here a request whose
token, user and form are known to be good is handed straight to the group commit, and answered by one write.
All else is left to the general way: whatever is unusual, and whatever is refused. `tests/web/test_express.py`
holds the answers of the two against each other.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import Final

import msgspec

from vigility.core.errors import VigilityError
from vigility.core.events.group_commit import Outcome
from vigility.core.events.model import StoredEvent
from vigility.core.users.model import User
from vigility.web.middleware.access_log import AccessLog, AccessRecord
from vigility.web.middleware.security_headers import NO_STORE, SECURITY_HEADERS
from vigility.web.auth.authentication import Authenticator
from vigility.web.middleware.metrics import RequestMetrics
from vigility.web.http.requests import peer_of, request_id
from vigility.web.fast_path.contract import PATH, Client, Responder, Headers
from vigility.web.fast_path.event_writer import EventWriter, event_json

_BEARER: Final = b"Bearer "
# What changes how a request is judged, answered or read. (Chunks may end in headers that come too late.)
_UNUSUAL: Final = frozenset({b"cookie", b"origin", b"expect", b"upgrade", b"transfer-encoding"})
_KEEP_ALIVE: Final = b"keep-alive"
_JSON: Final = b"application/json"
_HEADERS: Final = {
    **SECURITY_HEADERS,
    "Cache-Control": NO_STORE,
    "Content-Type": _JSON.decode(),
    "Vary": "Origin",
}
_HEAD: Final = "".join(f"{name.lower()}: {value}\r\n" for name, value in _HEADERS.items()).encode()


# Other members are read by the general way: msgspec leaves what it skips unchecked, and a body that is no
# valid JSON would be taken.
class _Body(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    feature_name: str
    event_id: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Body)


class FastTrackHandler:
    """Implements `vigility.web.fast_path.contract.ShortWay`. Used in the event loop only."""

    def __init__(self, identity: Authenticator, recorder: EventWriter, measured: RequestMetrics, log: AccessLog) -> None:
        self._identity = identity
        self._recorder = recorder
        self._measured = measured
        self._log = log
        self._seconds: dict[int, list[float]] = {201: [], 200: []}
        recorder.after_each_batch = self._count

    def take(self, headers: Headers, body: bytes | bytearray, client: Client, exchange: Responder) -> bool:
        """See `ShortWay.take`."""
        began = perf_counter()
        found = dict(headers)
        if len(found) < len(headers) or not _UNUSUAL.isdisjoint(found):
            return False
        if found.get(b"connection", _KEEP_ALIVE).lower() != _KEEP_ALIVE:
            return False
        user = self._user_of(found)
        if user is None or found.get(b"content-type") != _JSON:
            return False
        done = partial(self._done, _Request(began, user.id, found, client), exchange)
        try:
            event = _DECODER.decode(body)
            self._recorder.submit(user, event.feature_name, event.event_id, done)
        except (ValueError, RecursionError, VigilityError):  # the general way will say what is wrong
            return False
        return True

    def _user_of(self, headers: dict[bytes, bytes]) -> User | None:
        authorization = headers.get(b"authorization", b"")
        if not authorization.startswith(_BEARER) or not authorization.isascii():
            return None
        return self._identity.cached_user(authorization[len(_BEARER) :].decode())

    def _done(self, request: _Request, exchange: Responder, outcome: Outcome) -> None:
        if not isinstance(outcome, StoredEvent):
            exchange.refuse(outcome)
            return
        try:
            self._answer(request, exchange, outcome)
        except Exception as bug:  # noqa: BLE001 - the sender would wait for ever
            exchange.refuse(bug)

    def _answer(self, request: _Request, exchange: Responder, outcome: StoredEvent) -> None:
        status = 200 if outcome.repeated else 201
        content = msgspec.json.encode(event_json(outcome))
        named = request_id(_text(request.headers.get(b"x-request-id")))
        seconds = perf_counter() - request.began
        self._seconds[status].append(seconds)
        exchange.answer(
            status,
            b"%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b"
            % (_HEAD, named.encode(), len(content), content),
        )
        if self._log.is_on:
            self._note(request, named, status, seconds, len(content))

    def _note(self, request: _Request, named: str, status: int, seconds: float, size: int) -> None:
        peer, forwarded_for = peer_of(request.client), _text(request.headers.get(b"x-forwarded-for"))
        self._log.note(
            AccessRecord(
                request_id=named,
                address=self._log.address_of(peer, forwarded_for),
                method="POST",
                path=PATH.decode(),
                status=status,
                seconds=seconds,
                size=size,
                user_id=request.user_id,
            )
        )

    def _count(self) -> None:
        for status, seconds in self._seconds.items():
            if seconds:
                self._measured.count("POST", PATH.decode(), status, seconds)
                seconds.clear()


class _Request(msgspec.Struct, gc=False, frozen=True):
    """What is remembered of a request until its event is stored."""

    began: float
    user_id: int
    headers: dict[bytes, bytes]
    client: Client


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
