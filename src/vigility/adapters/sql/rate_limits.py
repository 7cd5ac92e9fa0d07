"""Rate limits in SQL: a bucket for each key."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import attempts
from vigility.core.sessions.ports import RateLimit
from vigility.core.sessions.rate_limit import acquire


class SqlRateLimits:
    """Implements `vigility.core.sessions.ports.RateLimitRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, limits: Sequence[RateLimit], now: int) -> int:
        """See `RateLimitRepository.acquire`."""
        if not limits:
            return 0
        # Read first: then a flood of refused attempts never holds the lock that writers need.
        with self._database.reading() as connection:
            _, wait = acquire(limits, _empty_at(connection, limits), now)
        if wait:
            return wait
        with self._database.writing() as connection:
            self._database.lock_tables(connection, attempts)
            after, wait = acquire(limits, _empty_at(connection, limits), now)
            if not wait:
                _replace(connection, after, now)
        return wait


def _empty_at(connection: Connection, limits: Sequence[RateLimit]) -> dict[str, int]:
    keys = [limit.key for limit in limits]
    query = select(attempts.c.key, attempts.c.empty_at).where(attempts.c.key.in_(keys))
    return dict(connection.execute(query).all())


def _replace(connection: Connection, after: dict[str, int], now: int) -> None:
    replaced = (attempts.c.empty_at <= now) | attempts.c.key.in_(after.keys())
    connection.execute(delete(attempts).where(replaced))
    connection.execute(insert(attempts), [{"key": key, "empty_at": at} for key, at in after.items()])
