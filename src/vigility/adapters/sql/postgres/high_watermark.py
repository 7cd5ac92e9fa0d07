"""The high watermark on PostgreSQL: the highest id at or below which no further event can appear.

A transaction takes its ids before it ends, so a lower id can be committed after a higher one, and a reader of
"everything after the last id" would miss it. Every transaction that takes ids locks the table first
(`PostgresDatabase.write_events`), and these locks are visible. So this reads the newest id, then the
transactions that hold such a lock, and waits until they have ended. After that, every id up to the newest is
committed or never will be.
"""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

from sqlalchemy import func, select

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import events
from vigility.core.errors import StoreUnavailable

_TIMEOUT_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.01

_NEWEST: Final = select(func.max(events.c.id))

# Transactions that only read, such as a backup of some hours, hold neither of these locks.
_HOLDERS: Final = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'vigility_events'::regclass AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode IN ('RowShareLock', 'RowExclusiveLock')
"""


def high_watermark(database: Database) -> int:
    """See `EventLog.high_watermark`. Takes no lock itself. Raises StoreError."""
    with database.reading() as connection:
        newest: int = connection.execute(_NEWEST).scalar_one() or 0
    holders = _holders(database)
    deadline = monotonic() + _TIMEOUT_SECONDS
    while holders := holders & _holders(database):
        if monotonic() > deadline:
            raise StoreUnavailable(f"{database.name}: a transaction that stores events does not end")
        sleep(_POLL_SECONDS)
    return newest


def _holders(database: Database) -> frozenset[str]:
    with database.reading() as connection:
        return frozenset(connection.exec_driver_sql(_HOLDERS).scalars())
