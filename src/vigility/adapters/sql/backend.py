"""One SQL database, opened: its schema brought up to date, its users and its events."""

from __future__ import annotations

from sqlalchemy import exists, select

from vigility.adapters.sql.rate_limits import SqlRateLimits
from vigility.adapters.sql.database import Database
from vigility.adapters.sql.events import SqlEvents
from vigility.adapters.sql.revoked_tokens import SqlRevokedTokens
from vigility.adapters.sql.schema import DELETE_ORDER, events, users
from vigility.adapters.sql.users import SqlUsers
from vigility.adapters.sql.schema_version import bring_up_to_date, require_up_to_date


class SqlStore:
    """Implements `vigility.core.reports.ports.Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.users = SqlUsers(database)
        self.events = SqlEvents(database)
        self.revoked_tokens = SqlRevokedTokens(database)
        self.attempts = SqlRateLimits(database)

    @property
    def identity(self) -> str:
        """See `Store.identity`."""
        return self._database.identity()

    def is_empty(self) -> bool:
        """See `Store.is_empty`."""
        with self._database.reading() as connection:
            return not connection.execute(
                select(exists(select(users.c.id)) | exists(select(events.c.id)))
            ).scalar_one()

    def wipe(self) -> None:
        """See `Store.wipe`."""
        with self._database.writing() as connection:
            self._database.empty(connection, DELETE_ORDER)

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()


def open_store(database: Database, *, upgrade: bool) -> SqlStore:
    """The store over `database`, which is closed where that fails.

    With `upgrade` its schema is made or brought up to date; without it nothing is changed.

    Raises:
        StoreUnavailable: it cannot be reached.
        SchemaMismatch: a newer version of vigility made it, or an older one did and it is not to be upgraded.
    """
    try:
        (bring_up_to_date if upgrade else require_up_to_date)(database)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)
