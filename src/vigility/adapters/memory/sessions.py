"""Revoked tokens and rate limits in dictionaries."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from vigility.core.sessions.ports import RateLimit
from vigility.core.sessions.rate_limit import acquire


class MemoryRevokedTokens:
    """Implements `vigility.core.sessions.ports.RevokedTokenRepository`."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._expires: dict[str, int] = {}

    def add(self, token_id: str, expires: int, now: int) -> None:
        """See `RevokedTokenRepository.add`."""
        with self._lock:
            self._expires = {known: until for known, until in self._expires.items() if until > now}
            self._expires[token_id] = expires

    def current(self, now: int) -> frozenset[str]:
        """See `RevokedTokenRepository.current`."""
        return frozenset(self.expiring(now))

    def expiring(self, now: int) -> Mapping[str, int]:
        """See `RevokedTokenRepository.expiring`."""
        with self._lock:
            return {token_id: until for token_id, until in self._expires.items() if until > now}

    def add_all(self, expiring: Mapping[str, int]) -> None:
        """See `RevokedTokenRepository.add_all`."""
        with self._lock:
            self._expires.update(expiring)


class MemoryRateLimits:
    """Implements `vigility.core.sessions.ports.RateLimitRepository`."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._empty_at: dict[str, int] = {}

    def acquire(self, limits: Sequence[RateLimit], now: int) -> int:
        """See `RateLimitRepository.acquire`."""
        with self._lock:
            after, wait = acquire(limits, self._empty_at, now)
            if not wait:
                self._empty_at.update(after)
            return wait
