"""What the core asks of whatever stores revoked tokens and rate limits. Times are in µs since the epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class RevokedTokenRepository(Protocol):
    """Stores the tokens that were revoked before they expired."""

    def add(self, token_id: str, expires: int, now: int) -> None:
        """Store that a token is revoked until it expires. Delete expired ones. Idempotent."""
        ...

    def current(self, now: int) -> frozenset[str]:
        """The ids of the revoked tokens that have not expired."""
        ...

    def expiring(self, now: int) -> Mapping[str, int]:
        """When each revoked token that has not expired will expire, by its id."""
        ...

    def add_all(self, expiring: Mapping[str, int]) -> None:
        """Store that these tokens are revoked, in one transaction. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often the action named `key` is allowed: `burst` times at once, then once every `interval` µs."""

    key: str
    burst: int
    interval: int


class RateLimitRepository(Protocol):
    """Counts recent attempts, by key."""

    def acquire(self, limits: Sequence[RateLimit], now: int) -> int:
        """Count one attempt against all limits if all allow it, atomically among all processes.

        Returns 0 if it was counted. Otherwise nothing was counted, and the result is the µs to wait.
        """
        ...
