"""The one place where a database's errors become the core's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from vigility.core.errors import StoreError, StoreUnavailable, UserGone


@contextmanager
def store_errors(name: str) -> Iterator[None]:
    """Raise StoreUnavailable or StoreError, naming the database, for what the driver raises inside."""
    try:
        yield
    except IntegrityError as error:
        # The only foreign key that an outsider can break under a running transaction is an event's user.
        if getattr(error.orig, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_FOREIGNKEY":
            raise UserGone from error
        raise StoreError(f"{name}: {_reason(error)}") from error
    except (OperationalError, PoolTimeout, OSError) as error:
        raise StoreUnavailable(f"{name}: {_reason(error)}") from error
    except DBAPIError as error:
        raise StoreError(f"{name}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What the driver or the system said, in one line and without the statement and its values."""
    if isinstance(error, DBAPIError):
        return " ".join(str(error.orig).split())
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
