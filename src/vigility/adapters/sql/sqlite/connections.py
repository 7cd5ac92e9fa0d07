"""Opening a connection to an SQLite file, which may be read-only, or in a folder that is."""

from __future__ import annotations

import sqlite3
from typing import Final
from urllib.parse import quote

from vigility.adapters.sql.error_translation import sqlite_code
from vigility.adapters.sql.sqlite.files import DatabaseFiles, Opened, Snapshot

_NOT_OPENED: Final = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
"""How SQLite fails where it may not make the files that it needs to read another one."""


class SqliteConnection(sqlite3.Connection):
    """A connection that knows its files.

    Attributes:
        opened: the files that it has open.
        snapshot: the state of the file if it was opened as immutable; then it does not see later changes.
    """

    opened: Opened = ()
    snapshot: Snapshot | None = None


def open_connection(files: DatabaseFiles, busy_timeout: float) -> SqliteConnection:
    """A connection that has read the first page, and so has all files of the database open.

    SQLite makes files beside the database even to read it. Where it cannot, or they would be in the way of
    the owner, a file that is complete is read as it is; each transaction then has to check at its end that
    nobody wrote meanwhile.

    A statement waits `busy_timeout` seconds for other programs that hold the file. Raises StoreUnavailable or
    sqlite3.Error.
    """
    files.require_present()
    if files.must_be_left_alone():
        return _read_as_it_is(files)
    try:
        return _opened(files, "mode=rw", busy_timeout)  # never creates one, in the place of a lost one
    except sqlite3.Error as error:
        if sqlite_code(error) & 0xFF not in _NOT_OPENED:
            raise
    return _read_as_it_is(files)


def _read_as_it_is(files: DatabaseFiles) -> SqliteConnection:
    snapshot = files.snapshot()
    connection = _opened(files, "immutable=1", 0)
    connection.snapshot = snapshot
    return connection


def _opened(files: DatabaseFiles, options: str, busy_timeout: float) -> SqliteConnection:
    connection = sqlite3.connect(
        f"file:{quote(str(files.database))}?{options}",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,  # or the sqlite3 module begins transactions of its own
        check_same_thread=False,  # the pool sees to it that one thread at a time has it
        factory=SqliteConnection,
    )
    try:
        connection.execute("PRAGMA schema_version").fetchone()
        connection.opened = files.opened()
    except BaseException:
        connection.close()
        raise
    return connection
