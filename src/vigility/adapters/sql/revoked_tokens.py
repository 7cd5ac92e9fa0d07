"""Revoked tokens in SQL."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, select

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import revoked_tokens


class SqlRevokedTokens:
    """Implements `vigility.core.sessions.ports.RevokedTokenRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, token_id: str, expires: int, now: int) -> None:
        """See `RevokedTokenRepository.add`."""
        with self._database.writing() as connection:
            self._database.lock_tables(connection, revoked_tokens)
            connection.execute(delete(revoked_tokens).where(revoked_tokens.c.expires <= now))
            row = {"token_id": token_id, "expires": expires}
            connection.execute(self._database.insert_missing(revoked_tokens), [row])

    def current(self, now: int) -> frozenset[str]:
        """See `RevokedTokenRepository.current`."""
        return frozenset(self.expiring(now))

    def expiring(self, now: int) -> Mapping[str, int]:
        """See `RevokedTokenRepository.expiring`."""
        query = select(revoked_tokens).where(revoked_tokens.c.expires > now)
        with self._database.reading() as connection:
            return dict(connection.execute(query).all())

    def add_all(self, expiring: Mapping[str, int]) -> None:
        """See `RevokedTokenRepository.add_all`."""
        rows = [{"token_id": token_id, "expires": expires} for token_id, expires in expiring.items()]
        if rows:
            with self._database.writing() as connection:
                connection.execute(self._database.insert_missing(revoked_tokens), rows)
