"""The one place where a database's errors become the core's."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from vigility.core.errors import StoreError, StoreUnavailable, UserGone

_FULL: Final = "its disk is full"
_NOT_WRITABLE: Final = "it cannot be written to"
_HELD: Final = "another process is writing and does not end"
_SQLITE_REASONS: Final = {
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: "its disk fails",
    sqlite3.SQLITE_READONLY: _NOT_WRITABLE,
}
_SYSTEM_REASONS: Final = {
    errno.EACCES: _NOT_WRITABLE,
    errno.EDQUOT: _FULL,
    errno.ENOSPC: _FULL,
    errno.EROFS: _NOT_WRITABLE,
    errno.ETIMEDOUT: _HELD,
}
_UNKNOWN: Final = "it cannot be reached"


@contextmanager
def store_errors(name: str) -> Iterator[None]:
    """Raise StoreUnavailable or StoreError, naming the database, for what the driver raises inside."""
    try:
        yield
    except (IntegrityError, sqlite3.IntegrityError) as error:
        # The only foreign key that an outsider can break under a running transaction is an event's user.
        if sqlite_code(_driver_error(error)) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
            raise UserGone from error
        raise StoreError(f"{name}: {_said(error)}") from error
    except (OperationalError, sqlite3.OperationalError, PoolTimeout, OSError) as error:
        raise StoreUnavailable(f"{name}: {_said(error)}", _reason(error)) from error
    except (DBAPIError, sqlite3.Error) as error:
        raise StoreError(f"{name}: {_said(error)}") from error


def sqlite_code(error: BaseException | None) -> int:
    """The code that SQLite gave, with its details; 0 where the error is of another kind."""
    return getattr(error, "sqlite_errorcode", 0)


def _reason(error: Exception) -> str:
    if code := sqlite_code(_driver_error(error)):
        return _SQLITE_REASONS.get(code & 0xFF, _UNKNOWN)  # without the details
    return _SYSTEM_REASONS.get(getattr(error, "errno", None) or 0, _UNKNOWN)


def _said(error: Exception) -> str:
    """What the driver or the system said, in one line and without the statement and its values."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(str(_driver_error(error)).split())


def _driver_error(error: Exception) -> BaseException | None:
    """What the driver raised, also where SQLAlchemy wrapped it."""
    return error.orig if isinstance(error, DBAPIError) else error
