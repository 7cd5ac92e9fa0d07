"""The one place where a database's errors become the core's.

Start here to change what happens when the disk is full, the database is locked or the server is away.
"""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from vigility.adapters.sql.values import ImpossibleValue
from vigility.core.errors import StoreDamaged, StoreError, StoreUnavailable, UserGone

_FULL: Final = "its disk is full"
_NOT_WRITABLE: Final = "it cannot be written to"
_LOCKED: Final = "another process is writing and does not end"
_SLOW: Final = "it takes too long to respond"
REMOVED: Final = "its file was removed or replaced"
_NOT_UTF8: Final = "Could not decode to UTF-8"  # the sqlite3 module's, which gives no code, but the text
_LACKING: Final = ("no such table", "no such column")  # SQLite's, which gives them no code of their own
_OVERFLOW: Final = "integer overflow"  # SQLite's, of a sum
_DBMOVED: Final = 1032  # SQLITE_READONLY_DBMOVED, which Python does not name
_SQLITE_REASONS: Final = {
    _DBMOVED: REMOVED,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_INTERRUPT: _SLOW,
    sqlite3.SQLITE_IOERR: "its disk fails",
    sqlite3.SQLITE_READONLY: _NOT_WRITABLE,
}
_NO_FREE: Final = re.compile("too many (clients|connections)|remaining connection slots")
_RESTARTING: Final = "it is being restarted"
_POSTGRES_REASONS: Final = {  # https://www.postgresql.org/docs/current/errcodes-appendix.html
    "25006": _NOT_WRITABLE,  # read-only: a standby, or a server that is being promoted
    "40001": _LOCKED,
    "40P01": _LOCKED,  # deadlock
    "53100": _FULL,
    "53300": "it has no connection free",
    "55P03": _LOCKED,  # lock_timeout
    "57014": _SLOW,  # statement_timeout
    "57P01": _RESTARTING,
    "57P02": _RESTARTING,
    "57P03": _RESTARTING,
}
_SYSTEM_REASONS: Final = {
    errno.EACCES: _NOT_WRITABLE,
    errno.EDQUOT: _FULL,
    errno.ENOSPC: _FULL,
    errno.EROFS: _NOT_WRITABLE,
    errno.ETIMEDOUT: _LOCKED,
}
_UNKNOWN: Final = "it cannot be reached"
_PASSING: Final = (OperationalError, sqlite3.OperationalError, InterfaceError, PoolTimeout)


@contextmanager
def store_errors(name: str) -> Iterator[None]:
    """Turn what the driver raises inside into StoreUnavailable or StoreError, which name the database."""
    try:
        yield
    except (IntegrityError, sqlite3.IntegrityError) as error:
        # The only foreign key that others can break under a running transaction is an event's user.
        if _breaks_foreign_key(_driver_error(error)):
            raise UserGone from error
        raise StoreError(f"{name}: {_message(error)}") from error
    except ImpossibleValue as error:
        raise StoreDamaged(f"{name}: its file is damaged: {error}") from error
    except UnicodeDecodeError as error:  # even SQLite's message about a damaged name
        raise StoreDamaged(f"{name}: its file is damaged: a text is not UTF-8") from error
    except OSError as error:
        about = error.filename or name  # it may be a file beside the database
        raise StoreUnavailable(f"{about}: {_message(error)}", _reason(error)) from error
    except (DBAPIError, sqlite3.Error, PoolTimeout) as error:
        raise _store_error(name, error) from error


def sqlite_code(error: BaseException | None) -> int:
    """SQLite's extended error code; 0 for an error of another kind."""
    return getattr(error, "sqlite_errorcode", 0)


def _store_error(name: str, error: Exception) -> StoreError:
    driver_error, message = _driver_error(error), _message(error)
    code = sqlite_code(driver_error) & 0xFF
    if damage := _damage(code, message):
        return StoreDamaged(f"{name}: its file is damaged: {damage}")
    if code == sqlite3.SQLITE_NOTADB:
        return StoreDamaged(f"{name}: {message}, or its beginning is damaged")
    if isinstance(error, _PASSING) or _sqlstate(driver_error) in _POSTGRES_REASONS:
        return StoreUnavailable(f"{name}: {message}", _reason(error))
    return StoreError(f"{name}: {message}")


def _damage(code: int, message: str) -> str:
    """What of an SQLite file is damaged; empty if the error has another cause."""
    if message.startswith(_NOT_UTF8):
        return "a text is not UTF-8"
    if message == _OVERFLOW:
        return "a count is too large"
    if code == sqlite3.SQLITE_ERROR and message.startswith(_LACKING):
        return f"{message}, unless another program changed its tables"
    return message if code == sqlite3.SQLITE_CORRUPT else ""


def _reason(error: Exception) -> str:
    driver_error = _driver_error(error)
    if _NO_FREE.search(str(driver_error)):  # while connecting, psycopg gives no code
        return _POSTGRES_REASONS["53300"]
    if code := sqlite_code(driver_error):
        return _SQLITE_REASONS.get(code) or _SQLITE_REASONS.get(code & 0xFF, _UNKNOWN)  # the primary code
    if state := _sqlstate(driver_error):
        return _POSTGRES_REASONS.get(state, _UNKNOWN)
    if isinstance(error, PoolTimeout):
        return "all connections to it are in use"
    return _SYSTEM_REASONS.get(getattr(error, "errno", None) or 0, _UNKNOWN)


def _sqlstate(error: BaseException | None) -> str:
    """PostgreSQL's error code; empty for an error of another kind."""
    return getattr(error, "sqlstate", None) or ""


def _breaks_foreign_key(error: BaseException | None) -> bool:
    said = _sqlstate(error) or getattr(error, "sqlite_errorname", "")
    return said in {"23503", "SQLITE_CONSTRAINT_FOREIGNKEY"}


def _message(error: Exception) -> str:
    """The message of the driver or the system, in one line, without the statement and its values."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(str(_driver_error(error)).split())


def _driver_error(error: Exception) -> BaseException | None:
    """What the driver raised, even if SQLAlchemy wrapped it."""
    return error.orig if isinstance(error, DBAPIError) else error
