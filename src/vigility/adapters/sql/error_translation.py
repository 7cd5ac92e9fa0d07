"""The one place where a database's errors become the core's."""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
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
_NO_FREE: Final = re.compile("too many (clients|connections)|remaining connection slots")
_RESTARTING: Final = "it is being restarted"
_POSTGRES_REASONS: Final = {  # https://www.postgresql.org/docs/current/errcodes-appendix.html
    "25006": _NOT_WRITABLE,  # read only: a standby, or one on the way to be promoted
    "40001": _HELD,
    "40P01": _HELD,  # deadlock
    "53100": _FULL,
    "53300": "it has no connection free",
    "55P03": _HELD,  # lock_timeout
    "57014": "it takes too long to answer",  # statement_timeout
    "57P01": _RESTARTING,
    "57P02": _RESTARTING,
    "57P03": _RESTARTING,
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
        if _breaks_foreign_key(_driver_error(error)):
            raise UserGone from error
        raise StoreError(f"{name}: {_said(error)}") from error
    except (OperationalError, sqlite3.OperationalError, InterfaceError, PoolTimeout, OSError) as error:
        raise StoreUnavailable(f"{name}: {_said(error)}", _reason(error)) from error
    except (DBAPIError, sqlite3.Error) as error:
        if _sqlstate(_driver_error(error)) in _POSTGRES_REASONS:
            raise StoreUnavailable(f"{name}: {_said(error)}", _reason(error)) from error
        raise StoreError(f"{name}: {_said(error)}") from error


def sqlite_code(error: BaseException | None) -> int:
    """The code that SQLite gave, with its details; 0 where the error is of another kind."""
    return getattr(error, "sqlite_errorcode", 0)


def _reason(error: Exception) -> str:
    driver_error = _driver_error(error)
    if _NO_FREE.search(str(driver_error)):  # told while connecting, where psycopg knows no code
        return _POSTGRES_REASONS["53300"]
    if code := sqlite_code(driver_error):
        return _SQLITE_REASONS.get(code & 0xFF, _UNKNOWN)  # without the details
    if state := _sqlstate(driver_error):
        return _POSTGRES_REASONS.get(state, _UNKNOWN)
    if isinstance(error, PoolTimeout):
        return "all connections to it are in use"
    return _SYSTEM_REASONS.get(getattr(error, "errno", None) or 0, _UNKNOWN)


def _sqlstate(error: BaseException | None) -> str:
    """The code that PostgreSQL gave; empty where the error is of another kind."""
    return getattr(error, "sqlstate", None) or ""


def _breaks_foreign_key(error: BaseException | None) -> bool:
    said = _sqlstate(error) or getattr(error, "sqlite_errorname", "")
    return said in {"23503", "SQLITE_CONSTRAINT_FOREIGNKEY"}


def _said(error: Exception) -> str:
    """What the driver or the system said, in one line and without the statement and its values."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(str(_driver_error(error)).split())


def _driver_error(error: Exception) -> BaseException | None:
    """What the driver raised, also where SQLAlchemy wrapped it."""
    return error.orig if isinstance(error, DBAPIError) else error
