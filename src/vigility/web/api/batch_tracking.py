"""`POST /track/batch`: many events of one user in one request, durable when answered."""

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import Any, Final

import falcon
import msgspec
from falcon.asgi import Response

from vigility.core.events.model import NewEvent
from vigility.core.users.model import User
from vigility.core.events.validation import Rejected
from vigility.core.service import Vigility
from vigility.core.times import Clock, Span, to_micros
from vigility.core.events.tracking import IngestResult
from vigility.web.http.errors import sentence_of
from vigility.web.auth.authentication import Authenticator
from vigility.web.middleware.metrics import Metrics
from vigility.web.openapi.schemas import MAX_EVENTS
from vigility.web.http.requests import Request, json_body
from vigility.web.http.executors import Executors

MAX_BATCH_BYTES: Final = 2 * 1024 * 1024
# A sender's clock may be somewhat fast; an event of next week is a mistake.
AHEAD: Final = timedelta(minutes=5)


class BatchEvent(msgspec.Struct, gc=False):
    """An event of a batch. Its values are judged by the core, one event at a time."""

    feature_name: Any = None
    timestamp: Any = None
    event_id: Any = None


_FIELDS: Final = attrgetter("feature_name", "timestamp", "event_id")


class Batch(msgspec.Struct):
    """The body."""

    events: list[BatchEvent]


class BatchStore:
    """Reads a batch and stores it. Synchronous: runs in a thread."""

    def __init__(self, vigility: Vigility, clock: Clock, oldest: timedelta) -> None:
        self._vigility = vigility
        self._clock = clock
        self._oldest = oldest
        self._decoder = msgspec.json.Decoder(Batch)

    def store(self, user: User, body: bytes) -> IngestResult:
        """Store the events of the body in one transaction. Raises HTTPBadRequest, UserGone or StoreError."""
        fields = map(_FIELDS, self._entries(body))
        events = [NewEvent(user.username, *values) for values in fields]
        now = self._clock()
        span = Span(to_micros(now - self._oldest), to_micros(now + AHEAD))
        return self._vigility.importer(span, [user]).store(events)

    def _entries(self, body: bytes) -> list[BatchEvent]:
        try:
            entries = self._decoder.decode(body).events if body else []
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise falcon.HTTPBadRequest(description=_wrong(error)) from None
        if not 1 <= len(entries) <= MAX_EVENTS:
            raise falcon.HTTPBadRequest(description=f"events must hold 1 to {MAX_EVENTS:,} events")
        return entries


class BatchResource:
    """`POST /track/batch`."""

    def __init__(self, identity: Authenticator, batches: BatchStore, threads: Executors, metrics: Metrics) -> None:
        self._identity = identity
        self._batches = batches
        self._threads = threads
        self._metrics = metrics

    async def on_post(self, req: Request, resp: Response) -> None:
        """Store the events that are right, in one transaction; tell the others by their index."""
        user = await self._identity.user_of(req)
        body = await json_body(req, MAX_BATCH_BYTES)
        outcome = await self._threads.batch(self._batches.store, user, body)
        self._metrics.events_stored.inc(outcome.accepted)
        resp.media = {
            "accepted": outcome.accepted,
            "duplicates": outcome.duplicates,
            "rejected": [_told(entry) for entry in outcome.rejected],
        }


def _told(entry: Rejected) -> dict[str, object]:
    return {"index": entry.index, "error": sentence_of(entry.error)}


def _wrong(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return 'The body must be {"events": [{"feature_name", "timestamp"?, "event_id"?}, …]}'
    return "The body is not valid JSON"
