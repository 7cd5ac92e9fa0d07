"""One SQL database, opened: its schema brought up to date, its users and its events."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete, exists, select

from vigility.core.errors import StoreUnavailable
from vigility.core.schema import SchemaState
from vigility.storage.sql.attempts import SqlAttempts
from vigility.storage.sql.database import SqliteDatabase
from vigility.storage.sql.events import SqlEvents
from vigility.storage.sql.revoked_tokens import SqlRevokedTokens
from vigility.storage.sql.schema import DELETE_ORDER, events, users
from vigility.storage.sql.users import SqlUsers
from vigility.storage.sql.versions import REVISIONS, bring_up_to_date, require_newest, schema_state


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


def open_sqlite(path: Path, *, upgrade: bool = True, read_only: bool = False) -> SqlStore:
    """Open an SQLite file; make it, or bring its schema up to date, where needed and asked for.

    With `read_only`, what is there is neither made nor changed.

    Raises:
        StoreUnavailable: it cannot be opened, or is no file.
        SchemaMismatch: a newer version of vigility made it, or an older one and it is not to be upgraded.
    """
    database = _opened(path, read_only=read_only, must_exist=read_only or not upgrade)
    try:
        if not read_only:
            database.use_write_ahead_log()
        if upgrade and not read_only:
            bring_up_to_date(database)
        else:
            require_newest(database)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)


def sqlite_schema(path: Path) -> SchemaState:
    """Which revision of the schema an SQLite file has; a file that is not there is not made."""
    if not path.exists():
        return SchemaState(None, REVISIONS[-1])
    database = _opened(path, read_only=True, must_exist=True)
    try:
        return schema_state(database)
    finally:
        database.close()


def _opened(path: Path, *, read_only: bool, must_exist: bool) -> SqliteDatabase:
    if path.exists() and not path.is_file():  # SQLite would say less, and a lock would be left beside it
        raise StoreUnavailable(f"{path}: is a directory" if path.is_dir() else f"{path}: is no regular file")
    if must_exist and not path.exists():  # SQLite would make it
        raise StoreUnavailable(f"{path}: there is no such file")
    return SqliteDatabase(path, read_only=read_only)
