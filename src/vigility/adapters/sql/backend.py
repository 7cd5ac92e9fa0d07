"""An installation in one SQL database."""

from __future__ import annotations

from sqlalchemy import exists, select

from vigility.adapters.sql.database import Database
from vigility.adapters.sql.event_log import SqlEventLog
from vigility.adapters.sql.event_sink import SqlEventSink
from vigility.adapters.sql.known_networks import SqlKnownNetworks
from vigility.adapters.sql.rate_limits import SqlRateLimits
from vigility.adapters.sql.report_reader import SqlReportReader
from vigility.adapters.sql.revoked_tokens import SqlRevokedTokens
from vigility.adapters.sql.rollups import SqlRollups
from vigility.adapters.sql.schema import DELETE_ORDER, events, users
from vigility.adapters.sql.schema_version import bring_up_to_date, require_up_to_date
from vigility.adapters.sql.users import SqlUsers
from vigility.core.events.feature_limit import MAX_FEATURES
from vigility.core.installation import Installation


class SqlBackend:
    """Implements `vigility.core.installation.StorageBackend`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def identity(self) -> str:
        """See `StorageBackend.identity`."""
        return self._database.identity()

    def is_empty(self) -> bool:
        """See `StorageBackend.is_empty`."""
        with self._database.reading() as connection:
            return not connection.execute(
                select(exists(select(users.c.id)) | exists(select(events.c.id)))
            ).scalar_one()

    def wipe(self) -> None:
        """See `StorageBackend.wipe`."""
        with self._database.writing() as connection:
            self._database.empty(connection, DELETE_ORDER)

    def close(self) -> None:
        """See `StorageBackend.close`."""
        self._database.close()


def open_sql(database: Database, *, upgrade: bool, max_features: int = MAX_FEATURES) -> Installation:
    """The installation in `database`, which is closed if that fails.

    With `upgrade`, its schema is created or brought up to date; without, nothing is changed.

    Raises:
        StoreUnavailable: the database cannot be reached.
        SchemaMismatch: a newer version of vigility made it, or an older one did and `upgrade` is False.
    """
    try:
        (bring_up_to_date if upgrade else require_up_to_date)(database)
    except BaseException:
        database.close()
        raise
    return Installation(
        users=SqlUsers(database),
        revoked_tokens=SqlRevokedTokens(database),
        rate_limits=SqlRateLimits(database),
        known_networks=SqlKnownNetworks(database),
        sink=SqlEventSink(database, max_features),
        reports=SqlReportReader(database),
        rollups=SqlRollups(database),
        event_log=SqlEventLog(database),
        backends=(SqlBackend(database),),
        max_features=max_features,
    )
