"""Rate limits in SQL: a bucket for each key."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import attempts
from vigility.adapters.sql.values import Shape
from vigility.core.sessions.ports import RateLimit
from vigility.core.sessions.rate_limit import acquire, release

_BUCKETS: Final = Shape.of(attempts.c.key, attempts.c.empty_at)


class SqlRateLimits:
    """Implements `vigility.core.sessions.ports.RateLimitRepository`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def empty_at(self, keys: Collection[str]) -> Mapping[str, int]:
        """See `RateLimitRepository.empty_at`."""
        with self._database.reading() as connection:
            return _empty_at(connection, keys)

    def acquire(self, limits: Sequence[RateLimit], now: int) -> int:
        """See `RateLimitRepository.acquire`."""
        if not limits:
            return 0
        keys = [limit.key for limit in limits]
        # Read first: then a flood of refused attempts never holds the lock that writers need.
        _, wait = acquire(limits, self.empty_at(keys), now)
        if wait:
            return wait
        with self._database.writing() as connection:
            self._database.lock_tables(connection, attempts)
            after, wait = acquire(limits, _empty_at(connection, keys), now)
            if not wait:
                _replace(connection, after, now)
        return wait

    def release(self, limits: Sequence[RateLimit], now: int) -> None:
        """See `RateLimitRepository.release`."""
        if not limits:
            return
        with self._database.writing() as connection:
            self._database.lock_tables(connection, attempts)
            empty_at = _empty_at(connection, [limit.key for limit in limits])
            _replace(connection, release(limits, empty_at, now), now)


def _empty_at(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    query = select(attempts.c.key, attempts.c.empty_at).where(attempts.c.key.in_(keys))
    return dict(_BUCKETS.check(connection.execute(query).all()))


def _replace(connection: Connection, after: Mapping[str, int], now: int) -> None:
    """Write these buckets, and delete all that are empty."""
    replaced = (attempts.c.empty_at <= now) | attempts.c.key.in_(after.keys())
    connection.execute(delete(attempts).where(replaced))
    rows = [{"key": key, "empty_at": at} for key, at in after.items() if at > now]
    if rows:
        connection.execute(insert(attempts), rows)
