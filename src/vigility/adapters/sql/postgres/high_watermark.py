"""On PostgreSQL: up to which id no event will be added any more.

A transaction takes its ids before it ends, so that a lower id can be committed after a higher one; who
reads "what came after the last one" would miss it. Whoever takes an id holds a lock on the table from
before that (`PostgresDatabase.storing`), which anybody can see. So the newest id is read first, then who
holds one: when those have ended, all that was given out below that id is committed, or never will be.
"""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

from sqlalchemy import func, select

from vigility.core.errors import StoreUnavailable
from vigility.adapters.sql.database import Database
from vigility.adapters.sql.schema import events

_PATIENCE_SECONDS: Final = 60
_LOOK_SECONDS: Final = 0.01

_NEWEST: Final = select(func.max(events.c.id))

# Those who only read, as a backup may for hours, hold neither of these locks.
_HOLDERS: Final = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'vigility_events'::regclass AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode IN ('RowShareLock', 'RowExclusiveLock')
"""


def high_watermark(database: Database) -> int:
    """See `EventRepository.settled`. Takes no lock itself. Raises StoreError."""
    with database.reading() as connection:
        newest: int = connection.execute(_NEWEST).scalar_one() or 0
    holders = _holders(database)
    deadline = monotonic() + _PATIENCE_SECONDS
    while holders := holders & _holders(database):
        if monotonic() > deadline:
            raise StoreUnavailable(f"{database.name}: a transaction that stores events does not end")
        sleep(_LOOK_SECONDS)
    return newest


def _holders(database: Database) -> frozenset[str]:
    with database.reading() as connection:
        return frozenset(connection.exec_driver_sql(_HOLDERS).scalars())
