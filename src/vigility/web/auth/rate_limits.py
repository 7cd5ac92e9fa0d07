"""Limits on log-in and registration, for each account and each address, held across all workers."""

from __future__ import annotations

import hashlib
import logging
from typing import Final, Protocol

import falcon

from vigility.config import Settings
from vigility.core.sessions.rate_limit import RateLimit
from vigility.core.service import Vigility
from vigility.core.times import MICROS_PER_SECOND
from vigility.web.http.client_address import rate_limit_key

logger: Final = logging.getLogger("vigility.web")


class RateLimiter(Protocol):
    """Counts an attempt, or refuses it."""

    def take(self, action: str, account: str, address: str) -> None:
        """Count it. Raises HTTPTooManyRequests where that is more than is allowed."""
        ...


class SharedRateLimiter:
    """Limits that are kept in the store."""

    def __init__(self, vigility: Vigility, settings: Settings) -> None:
        self._attempts = vigility.attempts
        self._bursts = (settings.attempts_per_account, settings.attempts_per_address)
        self._window = settings.attempts_window_minutes * 60 * MICROS_PER_SECOND

    def take(self, action: str, account: str, address: str) -> None:
        """See `Limits.take`. Works on the store: call it in a thread."""
        named = (f"{action} account {account}", f"{action} address {limited_as(address)}")
        wait = self._attempts.take(
            [
                RateLimit(_key(name), burst, self._window // burst)
                for name, burst in zip(named, self._bursts, strict=True)
            ]
        )
        if wait:
            raise falcon.HTTPTooManyRequests(
                description=f"Too many attempts; try again in {wait} s", retry_after=wait
            )


class Unlimited:
    def take(self, action: str, account: str, address: str) -> None:
        """Allow everything."""


def unlimited() -> RateLimiter:
    """Nothing is limited, which the log says loudly."""
    logger.warning("VIGILITY_RATE_LIMIT=off: LOG-IN AND REGISTRATION ARE NOT LIMITED; for load tests only")
    return Unlimited()


def _key(name: str) -> str:
    """Of one length whatever was typed, and no list of names for who reads the table."""
    return hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=32).hexdigest()
