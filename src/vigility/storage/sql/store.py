"""One SQL database, opened: its schema brought up to date, its users and its events."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sqlalchemy import delete, exists, select

from vigility.core.errors import StoreUnavailable
from vigility.storage.sql.attempts import SqlAttempts
from vigility.storage.sql.database import SqliteDatabase
from vigility.storage.sql.events import SqlEvents
from vigility.storage.sql.revoked_tokens import SqlRevokedTokens
from vigility.storage.sql.schema import DELETE_ORDER, events, users
from vigility.storage.sql.users import SqlUsers
from vigility.storage.sql.versions import SchemaState, bring_up_to_date, require_up_to_date, state_of


class SqlStore:
    """Implements `vigility.core.repositories.Store`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self.users = SqlUsers(database)
        self.events = SqlEvents(database)
        self.revoked_tokens = SqlRevokedTokens(database)
        self.attempts = SqlAttempts(database)

    @property
    def identity(self) -> str:
        """See `Store.identity`."""
        return self._database.identity

    def is_empty(self) -> bool:
        """See `Store.is_empty`."""
        with self._database.reading() as connection:
            return not connection.execute(
                select(exists(select(users.c.id)) | exists(select(events.c.id)))
            ).scalar_one()

    def wipe(self) -> None:
        """See `Store.wipe`."""
        with self._database.writing() as connection:
            for table in DELETE_ORDER:
                connection.execute(delete(table))

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()


def open_sqlite(path: Path, *, upgrade: bool = True) -> SqlStore:
    """Open an SQLite file; make it, or bring its schema up to date, where needed and asked for.

    Without `upgrade`, what is there is neither made nor changed.

    Raises:
        StoreUnavailable: it cannot be opened, or is no file.
        SchemaMismatch: a newer version of vigility made it, or an older one and it is not to be upgraded.
    """
    database = _opened(path, make=upgrade)
    try:
        if upgrade:
            database.use_write_ahead_log()
            bring_up_to_date(database)
        else:
            require_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)


def sqlite_schema(path: Path) -> SchemaState:
    """Which revision of the schema an SQLite file has; a file that is not there is not made."""
    if not path.exists():
        return SchemaState(None)
    with closing(_opened(path, make=False)) as database:
        return state_of(database)


def _opened(path: Path, *, make: bool) -> SqliteDatabase:
    if path.exists() and not path.is_file():  # SQLite would say less, and a lock would be left beside it
        raise StoreUnavailable(f"{path}: is a directory" if path.is_dir() else f"{path}: is no regular file")
    if not make and not path.exists():  # SQLite would make it
        raise StoreUnavailable(f"{path}: there is no such file")
    return SqliteDatabase(path)
