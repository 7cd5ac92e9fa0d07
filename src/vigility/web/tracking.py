"""`POST /track`, and the one place where HTTP hands events to the core."""

from __future__ import annotations

from typing import Protocol

import falcon
from falcon.asgi import Response

from vigility.core.model import Event, NewEvent, User
from vigility.core.service import Vigility
from vigility.core.tracking import Tracked
from vigility.web.identity import Identity
from vigility.web.metrics import Metrics
from vigility.web.requests import Request, json_object
from vigility.web.threads import Threads


class Recorder(Protocol):
    """Stores an event durably before it answers."""

    async def record(self, user: User, feature: object, event_id: object) -> Tracked:
        """Store that the user used the feature now. Raises VigilityError."""
        ...


class ThreadedRecorder:
    """Stores each event in a transaction of its own, in a thread."""

    def __init__(self, vigility: Vigility, threads: Threads) -> None:
        self._vigility = vigility
        self._threads = threads

    async def record(self, user: User, feature: object, event_id: object) -> Tracked:
        """See `Recorder.record`."""
        # Whatever came in: the core checks it.
        event = NewEvent(user.username, feature, None, event_id)  # type: ignore[arg-type]
        return await self._threads.store(self._vigility.record, event)


class TrackResource:
    """`POST /track`."""

    def __init__(self, identity: Identity, recorder: Recorder, metrics: Metrics) -> None:
        self._identity = identity
        self._recorder = recorder
        self._metrics = metrics

    async def on_post(self, req: Request, resp: Response) -> None:
        """Store one event: 201, or 200 where its `event_id` was stored before."""
        user = await self._identity.user_of(req)
        body = await json_object(req)
        tracked = await self._recorder.record(user, body.get("feature_name"), body.get("event_id"))
        if not tracked.repeated:
            self._metrics.events_stored.inc()
        resp.status = falcon.HTTP_200 if tracked.repeated else falcon.HTTP_201
        resp.media = event_fields(tracked.event)


def event_fields(event: Event) -> dict[str, object]:
    """An event as the contract shows one; its time to the millisecond."""
    at = event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"id": event.id, "userId": event.user_id, "featureName": event.feature, "timestamp": at}
