"""`POST /track`, and the one place where HTTP hands events to the core."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

import falcon
from falcon.asgi import Response

from vigility.core.errors import VigilityError
from vigility.core.events.group_commit import Outcome
from vigility.core.events.model import StoredEvent
from vigility.core.users.model import User
from vigility.core.service import Vigility
from vigility.core.times import from_micros
from vigility.web.auth.authentication import Authenticator
from vigility.web.middleware.metrics import Metrics
from vigility.web.http.requests import Request, json_object
from vigility.web.fast_path.contract import REFUSED

logger: Final = logging.getLogger("vigility.web")

_WATCH_SECONDS: Final = 1.0

Take = Callable[[Outcome], None]
"""Takes in the event loop what became of an event."""


class EventWriter:
    """Hands events to the core's group commit; takes a whole batch's outcomes in one call of the loop."""

    def __init__(self, vigility: Vigility, metrics: Metrics) -> None:
        self._vigility = vigility
        self._metrics = metrics
        self._settled: deque[tuple[Take, Outcome]] = deque()
        self._wake_is_due = False
        self._is_watched = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.after_each_batch: Callable[[], None] = lambda: None

    async def record(self, user: User, feature: object, event_id: object) -> StoredEvent:
        """Store durably that the user used the feature now. Raises VigilityError."""
        waiter: asyncio.Future[StoredEvent] = asyncio.get_running_loop().create_future()
        self.submit(user, feature, event_id, partial(_resolve, waiter))
        return await waiter

    def submit(self, user: User, feature: object, event_id: object, take: Take) -> None:
        """As `record`, for callers who do not wait. Raises VigilityError where it is not even queued."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._vigility.enqueue(user, feature, event_id, partial(self._settle, take))
        if not self._is_watched:
            self._is_watched = True
            self._loop.call_later(_WATCH_SECONDS, self._watch)

    def _watch(self) -> None:
        """Tell how many wait, though no transaction ends: that is when somebody will look."""
        self._is_watched = False
        self._metrics.queue_length.set(self._vigility.queued)

    def _settle(self, take: Take, outcome: Outcome) -> None:
        """Called by the writer's thread."""
        self._settled.append((take, outcome))
        if not self._wake_is_due and self._loop is not None:
            self._wake_is_due = True
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        # First: what is settled from here on asks for a wake of its own.
        self._wake_is_due = False
        stored = 0
        while self._settled:
            take, outcome = self._settled.popleft()
            stored += isinstance(outcome, StoredEvent) and not outcome.repeated
            try:
                take(outcome)
            except Exception:  # one taker's fault must not keep the others waiting
                logger.exception("the outcome of an event could not be taken")
        self._metrics.events_stored.inc(stored)
        self._metrics.queue_length.set(self._vigility.queued)
        self.after_each_batch()


class TrackResource:
    """`POST /track`. What is plain does not come here: see `vigility.web.fast_path.handler`."""

    def __init__(self, identity: Authenticator, recorder: EventWriter) -> None:
        self._identity = identity
        self._recorder = recorder

    async def on_post(self, req: Request, resp: Response) -> None:
        """Store one event: 201, or 200 where its `event_id` was stored before."""
        if REFUSED in req.scope:  # first: a lost store, asked for the user, would say that nothing is stored
            raise req.scope[REFUSED]
        user = await self._identity.user_of(req)
        body = await json_object(req)
        tracked = await self._recorder.record(user, body.get("feature_name"), body.get("event_id"))
        resp.status = falcon.HTTP_200 if tracked.repeated else falcon.HTTP_201
        resp.media = event_json(tracked)


def event_json(tracked: StoredEvent) -> dict[str, object]:
    """An event as the contract shows one; its time to the millisecond."""
    number, record, _ = tracked
    at = from_micros(record.at).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return {"id": number, "userId": record.user_id, "featureName": record.feature, "timestamp": f"{at}Z"}


def _resolve(waiter: asyncio.Future[StoredEvent], outcome: Outcome) -> None:
    if waiter.done():  # the client has gone
        return
    if isinstance(outcome, VigilityError):
        waiter.set_exception(outcome)
    else:
        waiter.set_result(outcome)
