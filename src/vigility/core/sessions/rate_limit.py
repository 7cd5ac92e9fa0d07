"""How often something may be tried: a leaky bucket for each key (the generic cell rate algorithm).

A key's bucket is one number, the moment at which it will be empty. Each attempt adds `interval` to it;
an attempt that would set it further than `burst` intervals ahead is refused. So `burst` attempts pass at
once, and after them one each interval. https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vigility.core.times import MICROS_PER_SECOND, Clock, to_micros


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often what `key` names may be tried: `burst` times at once, then once each `interval` µs."""

    key: str
    burst: int
    interval: int


class RateLimitRepository(Protocol):
    """How often something was tried of late, under keys. Times are in µs since the epoch."""

    def take(self, limits: Sequence[RateLimit], now: int) -> int:
        """Count one attempt against all the limits where all allow it, in one step among all processes.

        Returns 0 where it was counted, else the µs until it would be; then nothing was counted.
        """
        ...


class RateLimits:
    """The use case of limiting attempts, over any store."""

    def __init__(self, attempts: RateLimitRepository, clock: Clock) -> None:
        self._attempts = attempts
        self._clock = clock

    def take(self, limits: Sequence[RateLimit]) -> int:
        """Count one attempt against all limits; 0 where all allow it, else the whole seconds to wait.

        Raises StoreError.
        """
        wait = self._attempts.take(limits, to_micros(self._clock()))
        return -(-wait // MICROS_PER_SECOND)


def take(limits: Sequence[RateLimit], empty_at: Mapping[str, int], now: int) -> tuple[dict[str, int], int]:
    """One attempt now: the moments at which the buckets will then be empty, and the µs to wait.

    `empty_at` holds the buckets that are not empty. Where the wait is not 0 the attempt is refused.
    """
    after = {limit.key: max(empty_at.get(limit.key, now), now) + limit.interval for limit in limits}
    wait = max((after[limit.key] - now - limit.burst * limit.interval for limit in limits), default=0)
    return after, max(wait, 0)
