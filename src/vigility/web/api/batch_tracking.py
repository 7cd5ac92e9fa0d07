"""`POST /track/batch`: many events of one user in one request. They are durable when the response is sent."""

from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import Any, Final

import falcon
import msgspec
from falcon.asgi import Response

from vigility.core.events.model import NewEvent
from vigility.core.events.tracking import IngestResult
from vigility.core.events.validation import Rejected
from vigility.core.service import Vigility
from vigility.core.times import Clock, Span, to_micros
from vigility.core.users.model import User
from vigility.web.auth.authentication import Authenticator
from vigility.web.http.errors import sentence_of
from vigility.web.http.executors import Executors
from vigility.web.http.requests import Request, json_body
from vigility.web.middleware.metrics import Metrics
from vigility.web.openapi.schemas import MAX_EVENTS

MAX_BATCH_BYTES: Final = 2 * 1024 * 1024
# A sender's clock may be slightly fast. An event dated next week is a mistake.
MAX_AHEAD: Final = timedelta(minutes=5)


class BatchEvent(msgspec.Struct, gc=False):
    """An event of a batch. The core validates its values, one event at a time."""

    feature_name: Any = None
    timestamp: Any = None
    event_id: Any = None


_FIELDS: Final = attrgetter("feature_name", "timestamp", "event_id")


class Batch(msgspec.Struct):
    """The body of the request."""

    events: list[BatchEvent]


class BatchWriter:
    """Parses a batch and stores it. Synchronous: runs in a thread."""

    def __init__(self, vigility: Vigility, clock: Clock, max_age: timedelta) -> None:
        self._vigility = vigility
        self._clock = clock
        self._max_age = max_age
        self._decoder = msgspec.json.Decoder(Batch)

    @property
    def stores_events(self) -> bool:
        """See `Tracker.stores_events`."""
        return self._vigility.events.stores_events

    def write(self, user: User, body: bytes) -> IngestResult:
        """Store the events of the body in one transaction. Raises HTTPBadRequest, UserGone or StoreError."""
        fields = map(_FIELDS, self._parse(body))
        events = [NewEvent(user.username, *values) for values in fields]
        now = self._clock()
        span = Span(to_micros(now - self._max_age), to_micros(now + MAX_AHEAD))
        return self._vigility.events.importer(span, [user]).store(events)

    def _parse(self, body: bytes) -> list[BatchEvent]:
        try:
            entries = self._decoder.decode(body).events if body else []
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise falcon.HTTPBadRequest(description=_problem(error)) from None
        if not 1 <= len(entries) <= MAX_EVENTS:
            raise falcon.HTTPBadRequest(description=f"events must hold 1 to {MAX_EVENTS:,} events")
        return entries


class BatchResource:
    """`POST /track/batch`."""

    def __init__(
        self, authenticator: Authenticator, batch_writer: BatchWriter, executors: Executors, metrics: Metrics
    ) -> None:
        self._authenticator = authenticator
        self._batch_writer = batch_writer
        self._executors = executors
        self._metrics = metrics

    async def on_post(self, req: Request, resp: Response) -> None:
        """Store the valid events in one transaction. Report the invalid ones by index."""
        user = await self._authenticator.authenticate(req)
        body = await json_body(req, MAX_BATCH_BYTES)
        result = await self._executors.batch(self._batch_writer.write, user, body)
        if self._batch_writer.stores_events:
            self._metrics.events_stored.inc(result.accepted)
        resp.media = {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "rejected": [_rejection(entry) for entry in result.rejected],
        }


def _rejection(entry: Rejected) -> dict[str, object]:
    return {"index": entry.index, "error": sentence_of(entry.error)}


def _problem(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return 'The body must be {"events": [{"feature_name", "timestamp"?, "event_id"?}, …]}'
    return "The body is not valid JSON"
