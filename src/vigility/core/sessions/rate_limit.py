"""Rate limits: a leaky bucket for each key (the generic cell rate algorithm).

A key's bucket is one number: the moment at which it will be empty. Each attempt adds `interval` to it. An
attempt that would put it more than `burst` intervals ahead is refused. So `burst` attempts pass at once, and
after them one every interval. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from vigility.core.deprecated import warn_deprecated
from vigility.core.sessions.ports import RateLimit, RateLimitRepository
from vigility.core.times import MICROS_PER_SECOND, Clock, to_micros

MAX_SKEW: Final = 300 * MICROS_PER_SECOND
"""How far the clocks of instances may differ, in µs: a bucket may look over-full by as much."""


class RateLimits:
    """The use case of limiting how often something is tried."""

    def __init__(self, repository: RateLimitRepository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    def check(self, limits: Sequence[RateLimit]) -> int:
        """What `acquire` would return now. Counts nothing. Raises StoreError."""
        empty_at, now = self._repository.empty_at([limit.key for limit in limits]), to_micros(self._clock())
        return _seconds(acquire(limits, empty_at, now)[1])

    def acquire(self, limits: Sequence[RateLimit]) -> int:
        """Count one attempt against all limits. Returns 0, or the whole seconds to wait if one refuses it.

        Raises StoreError.
        """
        return _seconds(self._repository.acquire(limits, to_micros(self._clock())))

    def release(self, limits: Sequence[RateLimit]) -> None:
        """Take back an attempt that turned out not to count. Raises StoreError."""
        self._repository.release(limits, to_micros(self._clock()))

    def take(self, limits: Sequence[RateLimit]) -> int:
        """Deprecated: see `acquire`."""
        warn_deprecated("RateLimits.take()", "RateLimits.acquire()")
        return self.acquire(limits)


def acquire(limits: Sequence[RateLimit], empty_at: Mapping[str, int], now: int) -> tuple[dict[str, int], int]:
    """One attempt now: when the buckets will then be empty, and the µs to wait.

    `empty_at` holds the buckets that are not empty. A wait above 0 means that the attempt is refused.
    """
    after = {limit.key: _empty_at(limit, empty_at, now) + limit.interval for limit in limits}
    wait = max((after[limit.key] - now - limit.burst * limit.interval for limit in limits), default=0)
    return after, max(wait, 0)


def release(limits: Sequence[RateLimit], empty_at: Mapping[str, int], now: int) -> dict[str, int]:
    """When the buckets will be empty once an attempt is taken back. Those not after `now` are empty."""
    return {limit.key: _empty_at(limit, empty_at, now) - limit.interval for limit in limits}


def _empty_at(limit: RateLimit, empty_at: Mapping[str, int], now: int) -> int:
    at = max(empty_at.get(limit.key, now), now)
    if at > now + limit.burst * limit.interval + MAX_SKEW:
        # It holds more than it can, so it was filled while the clock was ahead, and would stay closed until
        # the clock is there again. One attempt is let in, which puts it right.
        return now + (limit.burst - 1) * limit.interval
    return at


def _seconds(micros: int) -> int:
    return -(-micros // MICROS_PER_SECOND)
