"""The one place where HTTP hands single events to the core, and what `POST /track` responds for one."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from vigility.core.errors import VigilityError
from vigility.core.events.model import StoredEvent
from vigility.core.events.ports import Outcome
from vigility.core.service import Vigility
from vigility.core.times import from_micros
from vigility.core.users.model import User
from vigility.web.http.write_limit import WriteLimit
from vigility.web.middleware.metrics import Metrics

logger: Final = logging.getLogger("vigility.web")

_WATCH_SECONDS: Final = 1.0

OnDone = Callable[[Outcome], None]
"""Called in the event loop with the outcome of an event: a StoredEvent or a VigilityError."""


class EventWriter:
    """Hands events to the core's group commit. The event loop wakes once for a whole batch of outcomes."""

    def __init__(self, vigility: Vigility, metrics: Metrics, limit: WriteLimit | None = None) -> None:
        self._events = vigility.events
        self._metrics = metrics
        self._limit = limit
        self._settled: deque[tuple[OnDone, Outcome]] = deque()
        self._wake_is_due = False
        self._is_watched = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.after_each_batch: Callable[[], None] = lambda: None

    async def write(self, user: User, feature: object, event_id: object, at: object) -> StoredEvent:
        """Store durably that the user used the feature, at `at` or now. Raises VigilityError."""
        waiter: asyncio.Future[StoredEvent] = asyncio.get_running_loop().create_future()
        self.submit(user, feature, event_id, at, partial(_resolve, waiter))
        return await waiter

    def submit(self, user: User, feature: object, event_id: object, at: object, on_done: OnDone) -> None:
        """Like `write`, without waiting. Raises VigilityError if the event is not even queued."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        if self._limit is not None:
            self._limit.check(user.id)
        self._events.enqueue(user, feature, event_id, partial(self._settle, on_done), at)
        if self._limit is not None:
            self._limit.count(user.id, 1)
        if not self._is_watched:
            self._is_watched = True
            self._loop.call_later(_WATCH_SECONDS, self._watch)

    def _watch(self) -> None:
        """Update the queue length though no transaction ends: that is when people look at it."""
        self._is_watched = False
        self._metrics.queue_length.set(self._events.queued)

    def _settle(self, on_done: OnDone, outcome: Outcome) -> None:
        """Called by the core's writer thread."""
        self._settled.append((on_done, outcome))
        if not self._wake_is_due and self._loop is not None:
            self._wake_is_due = True
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        # First, so that an outcome that arrives from here on schedules its own wake-up.
        self._wake_is_due = False
        stored = 0
        while self._settled:
            on_done, outcome = self._settled.popleft()
            stored += _is_newly_stored(outcome)
            try:
                on_done(outcome)
            except Exception:  # a bug in one callback must not keep the others waiting
                logger.exception("the callback for an event's outcome failed")
        self._metrics.events_stored.inc(stored)
        self._metrics.queue_length.set(self._events.queued)
        self.after_each_batch()


def track_response(stored: StoredEvent) -> tuple[int, dict[str, object]]:
    """The status and the JSON body of the response to `POST /track`.

    201: the event was stored. 200: its `event_id` was stored before; the body is that event. 202: it was
    queued durably by a backend that gives it an id later, so the body has its `event_id` instead.
    """
    number, record, repeated = stored
    at = from_micros(record.at).isoformat(timespec="milliseconds").removesuffix("+00:00")
    event = {"userId": record.user_id, "featureName": record.feature, "timestamp": f"{at}Z"}
    if number is None:
        return 202, {"eventId": record.event_id, **event}
    return 200 if repeated else 201, {"id": number, **event}


def _is_newly_stored(outcome: Outcome) -> bool:
    return isinstance(outcome, StoredEvent) and outcome.id is not None and not outcome.repeated


def _resolve(waiter: asyncio.Future[StoredEvent], outcome: Outcome) -> None:
    if waiter.done():  # the client is gone
        return
    if isinstance(outcome, VigilityError):
        waiter.set_exception(outcome)
    else:
        waiter.set_result(outcome)
