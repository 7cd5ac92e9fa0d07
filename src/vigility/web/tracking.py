"""`POST /track`, and the one place where HTTP hands events to the core."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import Protocol

import falcon
from falcon.asgi import Response

from vigility.core.group_commit import Outcome
from vigility.core.model import Event, Tracked, User
from vigility.core.service import Vigility
from vigility.web.identity import Identity
from vigility.web.metrics import Metrics
from vigility.web.requests import Request, json_object


class Recorder(Protocol):
    """Stores an event durably before it answers."""

    async def record(self, user: User, feature: object, event_id: object) -> Tracked:
        """Store that the user used the feature now. Raises VigilityError."""
        ...


class GroupedRecorder:
    """Hands events to the core's group commit; wakes the requests of a batch by one call of the loop."""

    def __init__(self, vigility: Vigility, metrics: Metrics) -> None:
        self._vigility = vigility
        self._metrics = metrics
        self._settled: deque[tuple[asyncio.Future[Tracked], Outcome]] = deque()
        self._wake_is_due = False

    async def record(self, user: User, feature: object, event_id: object) -> Tracked:
        """See `Recorder.record`."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Tracked] = loop.create_future()
        self._vigility.submit_now(user, feature, event_id, partial(self._settle, loop, waiter))
        return await waiter

    def _settle(
        self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[Tracked], outcome: Outcome
    ) -> None:
        """Called by the writer's thread."""
        self._settled.append((waiter, outcome))
        if not self._wake_is_due:
            self._wake_is_due = True
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        # First: what is settled from here on asks for a wake of its own.
        self._wake_is_due = False
        self._metrics.queue_length.set(self._vigility.queued)
        while self._settled:
            waiter, outcome = self._settled.popleft()
            if waiter.done():  # the client has gone
                continue
            if isinstance(outcome, Tracked):
                waiter.set_result(outcome)
            else:
                waiter.set_exception(outcome)


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
