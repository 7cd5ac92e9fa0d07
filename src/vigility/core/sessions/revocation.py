"""Revoking sessions before their tokens expire."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from vigility.core.deprecated import warn_deprecated
from vigility.core.sessions.ports import RevokedPage, RevokedTokenRepository
from vigility.core.times import Clock, to_micros

TOKENS_PER_PAGE: Final = 20_000
"""Reading a page takes some 30 ms, and others may use the database in between."""


class Sessions:
    """The use cases around revoked sessions."""

    def __init__(self, tokens: RevokedTokenRepository, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    def revoke(self, token_id: str, expires: datetime) -> None:
        """Make every process refuse this token from now on. Idempotent. Raises StoreError."""
        self._tokens.add(token_id, to_micros(expires), to_micros(self._clock()))

    def revoked(self) -> frozenset[str]:
        """The ids of all tokens that were revoked and have not expired. Raises StoreError."""
        return self._tokens.current(to_micros(self._clock()))

    def revoked_after(self, position: int) -> RevokedPage:
        """The tokens that were revoked after a position (0 for all), expired or not. Raises StoreError."""
        return self._tokens.after(position, TOKENS_PER_PAGE)

    def end(self, token_id: str, expires: datetime) -> None:
        """Deprecated: see `revoke`."""
        warn_deprecated("Sessions.end()", "Sessions.revoke()")
        self.revoke(token_id, expires)

    def ended(self) -> frozenset[str]:
        """Deprecated: see `revoked`."""
        warn_deprecated("Sessions.ended()", "Sessions.revoked()")
        return self.revoked()
