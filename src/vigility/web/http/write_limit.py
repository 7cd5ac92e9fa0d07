"""How many events one user may send a minute, so that no user alone fills the database or the queue.

Each worker counts for itself: a count that all workers share would cost every event a write.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from vigility.core.errors import VigilityError

_MINUTE: Final = 60.0
# How many users are remembered before those are forgotten who could send a whole minute's events again.
_USERS: Final = 10_000


class TooManyEvents(VigilityError):
    """A user has sent more events than one may. Nothing of the request was stored."""

    def __init__(self, seconds: int) -> None:
        super().__init__("Too many events from this user; Retry-After says how many seconds to wait")
        self.seconds = seconds


class WriteLimit:
    """At most `per_minute` events a minute from each user.

    A user who was silent for a minute can send a minute's events at once. A batch may be larger than what is
    left; the user then waits until all of it has become available. Otherwise a large batch could never be
    sent.
    """

    def __init__(self, per_minute: int, now: Callable[[], float] = monotonic) -> None:
        self._seconds_each = _MINUTE / per_minute
        self._now = now
        # When each user can send a whole minute's events again.
        self._full_at: dict[int, float] = {}
        self._forget_above = _USERS
        self._lock = threading.Lock()  # batches are counted in threads

    def check(self, user_id: int) -> None:
        """Raise TooManyEvents if the user cannot send one event now."""
        now = self._now()
        wait = self._full_at.get(user_id, now) + self._seconds_each - now - _MINUTE
        if wait > 0:
            raise TooManyEvents(math.ceil(wait))

    def count(self, user_id: int, events: int) -> None:
        """Count events that the user has sent."""
        with self._lock:
            now = self._now()
            begin = max(self._full_at.get(user_id, now), now)
            self._full_at[user_id] = begin + events * self._seconds_each
            if len(self._full_at) > self._forget_above:
                self._full_at = {user: at for user, at in self._full_at.items() if at > now}
                self._forget_above = max(_USERS, 2 * len(self._full_at))
