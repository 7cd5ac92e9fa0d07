"""Sessions that ended before their tokens expired."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from vigility.core.times import Clock, to_micros


class RevokedTokenRepository(Protocol):
    """The tokens that were ended before they expired. Times are in µs since the epoch."""

    def add(self, token_id: str, expires: int, now: int) -> None:
        """Store that a token is ended, until it expires by itself; forget those that have. Repeatable."""
        ...

    def current(self, now: int) -> frozenset[str]:
        """The ids of the ended tokens that have not expired."""
        ...

    def expiring(self, now: int) -> Mapping[str, int]:
        """The ended tokens that have not expired: when each will, by its id."""
        ...

    def restore(self, expiring: Mapping[str, int]) -> None:
        """Store that these tokens are ended, in one transaction. Repeatable."""
        ...


class Sessions:
    """The use cases round ended sessions, over any store."""

    def __init__(self, tokens: RevokedTokenRepository, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    def end(self, token_id: str, expires: datetime) -> None:
        """Let no process accept this token again. Ending it twice does nothing. Raises StoreError."""
        self._tokens.add(token_id, to_micros(expires), to_micros(self._clock()))

    def ended(self) -> frozenset[str]:
        """The ids of all tokens that were ended and have not expired by themselves. Raises StoreError."""
        return self._tokens.current(to_micros(self._clock()))
