"""`POST /track/batch`: many events of one user in one request. They are durable when the response is sent."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

import falcon
import msgspec
from falcon.asgi import Response

from vigility.core.errors import VigilityError
from vigility.core.events.model import NewEvent
from vigility.core.events.tracking import IngestResult
from vigility.core.events.validation import Rejected
from vigility.core.service import Vigility
from vigility.core.users.model import User
from vigility.web.api.tracking import MEMBERS
from vigility.web.auth.authentication import Authenticator
from vigility.web.http.content_encoding import decoded
from vigility.web.http.errors import sentence_of
from vigility.web.http.executors import Executors
from vigility.web.http.requests import Request, content_encoding, encoded_json, query_of, unknown_members
from vigility.web.http.write_limit import WriteLimit
from vigility.web.middleware.metrics import Metrics
from vigility.web.openapi.schemas import MAX_EVENTS

MAX_BATCH_BYTES: Final = 2 * 1024 * 1024


class BatchEvent(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An event of a batch. The core validates its values, one event at a time."""

    feature_name: Any = None
    timestamp: Any = None
    event_id: Any = None


_FIELDS: Final = attrgetter(*MEMBERS)


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """The body of the request."""

    events: list[BatchEvent]


class AnyBatch(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request some of whose events have members that are not allowed."""

    events: list[dict[str, Any]]


_BATCH: Final = msgspec.json.Decoder(Batch)
_ANY_BATCH: Final = msgspec.json.Decoder(AnyBatch)


class BatchWriter:
    """Parses a batch and stores it. Synchronous: runs in a thread."""

    def __init__(self, vigility: Vigility, limit: WriteLimit | None = None) -> None:
        self._vigility = vigility
        self._limit = limit

    @property
    def stores_events(self) -> bool:
        """See `Tracker.stores_events`."""
        return self._vigility.events.stores_events

    def write(self, user: User, body: bytes, encoding: str | None = None) -> IngestResult:
        """Store the events of the body in one transaction. `encoding` says how the body is compressed.

        Raises HTTPError, TooManyEvents, UserGone or StoreError.
        """
        entries, problems = _parse(decoded(body, encoding, MAX_BATCH_BYTES))
        if self._limit is not None:
            self._limit.check(user.id)
            self._limit.count(user.id, len(entries) + len(problems))
        events = [NewEvent(user.username, *values) for values in map(_FIELDS, entries)]
        return self._vigility.events.importer(known=[user]).store(events).with_rejected(problems)


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
        query_of(req, ())
        body = await encoded_json(req, MAX_BATCH_BYTES)
        # Decompressed in the thread too: it takes milliseconds.
        result = await self._executors.batch(self._batch_writer.write, user, body, content_encoding(req))
        if self._batch_writer.stores_events:
            self._metrics.events_stored.inc(result.accepted)
        resp.media = {
            "accepted": result.accepted,
            "duplicates": result.duplicates,
            "rejected": [_rejection(entry) for entry in result.rejected],
        }


def _rejection(entry: Rejected) -> dict[str, object]:
    return {"index": entry.index, "error": sentence_of(entry.error)}


def _parse(body: bytes) -> tuple[list[BatchEvent], dict[int, VigilityError]]:
    """The events of the body, and by index what is wrong with those that are left out of them.

    Raises HTTPBadRequest.
    """
    try:
        entries, problems = _decode(body) if body else ([], {})
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise falcon.HTTPBadRequest(description=_sentence(error, body)) from None
    if not 1 <= len(entries) + len(problems) <= MAX_EVENTS:
        raise falcon.HTTPBadRequest(description=f"events must hold 1 to {MAX_EVENTS:,} events")
    return entries, problems


def _decode(body: bytes) -> tuple[list[BatchEvent], dict[int, VigilityError]]:
    try:
        return _BATCH.decode(body).events, {}
    except msgspec.ValidationError:  # perhaps only because of members that are not allowed
        events = _ANY_BATCH.decode(body).events
    found = [unknown_members(event, MEMBERS) for event in events]
    entries = [BatchEvent(**event) for event, problem in zip(events, found, strict=True) if not problem]
    return entries, {index: VigilityError(problem) for index, problem in enumerate(found) if problem}


def _sentence(error: Exception, body: bytes) -> str:
    if not isinstance(error, msgspec.ValidationError):
        return "The body is not valid JSON"
    batch = msgspec.json.decode(body)
    unknown = unknown_members(batch, ("events",)) if isinstance(batch, dict) else None
    return unknown or 'The body must be {"events": [{"feature_name", "timestamp"?, "event_id"?}, …]}'
