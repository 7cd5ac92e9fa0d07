"""Revoked tokens, rate limits and known networks in dictionaries."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from vigility.core.sessions.ports import RateLimit, RevokedPage
from vigility.core.sessions.rate_limit import acquire, release
from vigility.core.sessions.retention import Witnessed, kept_until, witness


class _Revoked(NamedTuple):
    number: int
    expires: int
    kept_until: int


class MemoryRevokedTokens:
    """Implements `vigility.core.sessions.ports.RevokedTokenRepository`."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._tokens: dict[str, _Revoked] = {}
        self._newest = 0
        self._witnessed = Witnessed()

    def add(self, token_id: str, expires: int, now: int) -> None:
        """See `RevokedTokenRepository.add`."""
        with self._lock:
            self.add_all({token_id: expires}, now)
            passed = self._witnessed.passed
            self._tokens = {name: kept for name, kept in self._tokens.items() if kept.kept_until > passed}

    def after(self, position: int, limit: int) -> RevokedPage:
        """See `RevokedTokenRepository.after`."""
        with self._lock:
            later = [(name, token) for name, token in self._tokens.items() if token.number > position]
            page = later[:limit]
            return RevokedPage(
                kept_until={name: token.kept_until for name, token in page},
                passed=self._witnessed.passed,
                position=page[-1][1].number if page else position,
                is_last=len(page) == len(later),
            )

    def current(self, now: int) -> frozenset[str]:
        """See `RevokedTokenRepository.current`."""
        return frozenset(self.expiring(now))

    def expiring(self, now: int) -> Mapping[str, int]:
        """See `RevokedTokenRepository.expiring`."""
        with self._lock:
            return {name: token.expires for name, token in self._tokens.items() if token.expires > now}

    def add_all(self, expiring: Mapping[str, int], now: int) -> None:
        """See `RevokedTokenRepository.add_all`."""
        with self._lock:
            for token_id, expires in expiring.items():
                if token_id not in self._tokens:
                    self._newest += 1
                    self._witnessed = witness(self._witnessed, now)
                    until = kept_until(self._witnessed, expires, now)
                    self._tokens[token_id] = _Revoked(self._newest, expires, until)


class MemoryRateLimits:
    """Implements `vigility.core.sessions.ports.RateLimitRepository`."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._empty_at: dict[str, int] = {}

    def empty_at(self, keys: Collection[str]) -> Mapping[str, int]:
        """See `RateLimitRepository.empty_at`."""
        with self._lock:
            return {key: self._empty_at[key] for key in keys if key in self._empty_at}

    def acquire(self, limits: Sequence[RateLimit], now: int) -> int:
        """See `RateLimitRepository.acquire`."""
        with self._lock:
            after, wait = acquire(limits, self._empty_at, now)
            if not wait:
                self._empty_at.update(after)
            return wait

    def release(self, limits: Sequence[RateLimit], now: int) -> None:
        """See `RateLimitRepository.release`."""
        with self._lock:
            self._empty_at.update(release(limits, self._empty_at, now))


class MemoryKnownNetworks:
    """Implements `vigility.core.sessions.ports.KnownNetworkRepository`."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._seen: dict[str, dict[str, int]] = {}

    def last_seen(self, account: str, network: str) -> int | None:
        """See `KnownNetworkRepository.last_seen`."""
        with self._lock:
            return self._seen.get(account, {}).get(network)

    def record(self, account: str, network: str, now: int, most: int) -> None:
        """See `KnownNetworkRepository.record`."""
        with self._lock:
            others = {name: seen for name, seen in self._seen.get(account, {}).items() if name != network}
            latest = sorted(others.items(), key=lambda item: item[1], reverse=True)[: most - 1]
            self._seen[account] = {network: now, **dict(latest)}

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._seen.clear()
