"""What the core asks of whatever stores revoked tokens and rate limits. Times are in µs since the epoch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RevokedPage:
    """Tokens that were revoked after a position.

    Attributes:
        kept_until: when each token may be forgotten, by its id.
        passed: the present moment, on the same scale (`vigility.core.sessions.retention`).
        position: where the next page begins.
        is_last: whether nothing more was revoked when this page was read.
    """

    kept_until: Mapping[str, int]
    passed: int
    position: int
    is_last: bool


class RevokedTokenRepository(Protocol):
    """Stores the tokens that were revoked before they expired."""

    def add(self, token_id: str, expires: int, now: int) -> None:
        """Store that a token is revoked. Delete those whose time is over. Idempotent."""
        ...

    def after(self, position: int, limit: int) -> RevokedPage:
        """The first `limit` tokens that were revoked after the position. 0 is before all of them.

        Whoever reads page after page, and later goes on from there, misses none that was stored before the
        last read. If the database is older than the position (a backup was put back), it starts again.
        """
        ...

    def current(self, now: int) -> frozenset[str]:
        """The ids of the revoked tokens that have not expired."""
        ...

    def expiring(self, now: int) -> Mapping[str, int]:
        """When each revoked token that has not expired will expire, by its id."""
        ...

    def add_all(self, expiring: Mapping[str, int], now: int) -> None:
        """Store that these tokens are revoked, in one transaction. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often the action named `key` is allowed: `burst` times at once, then once every `interval` µs."""

    key: str
    burst: int
    interval: int


class RateLimitRepository(Protocol):
    """Counts recent attempts, by key. Each key has a bucket: `vigility.core.sessions.rate_limit`."""

    def empty_at(self, keys: Collection[str]) -> Mapping[str, int]:
        """When the bucket of each key will be empty. Keys whose bucket is empty may be left out."""
        ...

    def acquire(self, limits: Sequence[RateLimit], now: int) -> int:
        """Count one attempt against all limits if all allow it, atomically among all processes.

        Returns 0 if it was counted. Otherwise nothing was counted, and the result is the µs to wait.
        """
        ...

    def release(self, limits: Sequence[RateLimit], now: int) -> None:
        """Take back one attempt that `acquire` counted against these limits."""
        ...


class KnownNetworkRepository(Protocol):
    """Stores from which networks an account has signed in. Both are keys of at most 64 characters."""

    def last_seen(self, account: str, network: str) -> int | None:
        """When the account last signed in from there, or None if it never did."""
        ...

    def record(self, account: str, network: str, now: int, most: int) -> None:
        """Store that it did so now. Keep the `most` latest networks of this account."""
        ...
