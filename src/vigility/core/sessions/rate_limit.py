"""Rate limits: a leaky bucket for each key (the generic cell rate algorithm).

A key's bucket is one number: the moment at which it will be empty. Each attempt adds `interval` to it. An
attempt that would put it more than `burst` intervals ahead is refused. So `burst` attempts pass at once, and
after them one every interval. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vigility.core.deprecated import warn_deprecated
from vigility.core.sessions.ports import RateLimit, RateLimitRepository
from vigility.core.times import MICROS_PER_SECOND, Clock, to_micros


class RateLimits:
    """The use case of limiting how often something is tried."""

    def __init__(self, repository: RateLimitRepository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    def acquire(self, limits: Sequence[RateLimit]) -> int:
        """Count one attempt against all limits. Returns 0, or the whole seconds to wait if one refuses it.

        Raises StoreError.
        """
        wait = self._repository.acquire(limits, to_micros(self._clock()))
        return -(-wait // MICROS_PER_SECOND)

    def take(self, limits: Sequence[RateLimit]) -> int:
        """Deprecated: see `acquire`."""
        warn_deprecated("RateLimits.take()", "RateLimits.acquire()")
        return self.acquire(limits)


def acquire(limits: Sequence[RateLimit], empty_at: Mapping[str, int], now: int) -> tuple[dict[str, int], int]:
    """One attempt now: when the buckets will then be empty, and the µs to wait.

    `empty_at` holds the buckets that are not empty. A wait above 0 means that the attempt is refused.
    """
    after = {limit.key: max(empty_at.get(limit.key, now), now) + limit.interval for limit in limits}
    wait = max((after[limit.key] - now - limit.burst * limit.interval for limit in limits), default=0)
    return after, max(wait, 0)
