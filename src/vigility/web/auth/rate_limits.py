"""Limits sign-ins and registrations for each account and each address, across all workers."""

from __future__ import annotations

import hashlib
import logging
from typing import Final, Protocol

import falcon

from vigility.config import Settings
from vigility.core.service import Vigility
from vigility.core.sessions.ports import RateLimit
from vigility.core.times import MICROS_PER_SECOND
from vigility.web.http.client_address import rate_limit_key

logger: Final = logging.getLogger("vigility.web")


class RateLimiter(Protocol):
    """Counts attempts, and refuses those over the limit."""

    def acquire(self, action: str, account: str, address: str) -> None:
        """Count an attempt. Raises HTTPTooManyRequests if it is over the limit."""
        ...


class SharedRateLimiter:
    """Keeps its counts in the database, so that all workers share them."""

    def __init__(self, vigility: Vigility, settings: Settings) -> None:
        self._rate_limits = vigility.users.rate_limits
        self._bursts = (settings.attempts_per_account, settings.attempts_per_address)
        self._window = settings.attempts_window_minutes * 60 * MICROS_PER_SECOND

    def acquire(self, action: str, account: str, address: str) -> None:
        """See `RateLimiter.acquire`. Uses the database: call it in a thread. Raises StoreError too."""
        names = (f"{action} account {account}", f"{action} address {rate_limit_key(address)}")
        wait = self._rate_limits.acquire(
            [
                RateLimit(_key(name), burst, self._window // burst)
                for name, burst in zip(names, self._bursts, strict=True)
            ]
        )
        if wait:
            raise falcon.HTTPTooManyRequests(
                description=f"Too many attempts; try again in {wait} s", retry_after=wait
            )


class Unlimited:
    """Limits nothing."""

    def acquire(self, action: str, account: str, address: str) -> None:
        """Allow every attempt."""


def unlimited() -> RateLimiter:
    """A limiter that allows everything. Logs a prominent warning."""
    logger.warning("VIGILITY_RATE_LIMIT=off: SIGN-IN AND REGISTRATION ARE NOT LIMITED; for load tests only")
    return Unlimited()


def _key(name: str) -> str:
    """A hash of the name: its length is fixed whatever was typed, and the table does not list names."""
    return hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=32).hexdigest()
