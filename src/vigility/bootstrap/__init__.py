"""The composition root: from URLs to a working `Vigility`. Only this package knows the adapters.

`database_url.py` parses a URL, `backends.py` says what opens it, and this module puts the parts together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from os import PathLike
from typing import TYPE_CHECKING, Final

from vigility.bootstrap.backends import backend_for
from vigility.bootstrap.database_url import DatabaseUrl
from vigility.bootstrap.settings import PoolSettings
from vigility.core.database_copy import Copy
from vigility.core.deprecated import warn_deprecated
from vigility.core.errors import InvalidInput
from vigility.core.events.feature_limit import HIGHEST_LIMIT, MAX_FEATURES
from vigility.core.events.group_commit import GroupCommit
from vigility.core.events.window import OLDEST_DAYS, EventWindow
from vigility.core.service import Vigility
from vigility.core.validators import valid_count

if TYPE_CHECKING:
    from vigility.adapters.sql.schema_version import SchemaState as SchemaState
    from vigility.core.installation import Installation
    from vigility.core.times import Clock
    from vigility.core.users.ports import PasswordHasher

__all__ = [
    "DEFAULT_URL",
    "DatabaseUrl",
    "PoolSettings",
    "backend_for",
    "connect",
    "open_copy",
    "problems",
    "schema_state",
    "signing_secret",
    "upgrade",
    "utc_now",
]

DEFAULT_URL: Final = "sqlite:///vigility.db"


def utc_now() -> datetime:
    """The present moment in UTC: the one place where the clock is read."""
    return datetime.now(UTC)  # noqa: TID251


def connect(  # noqa: PLR0913 - a deprecated one among them
    url: str | PathLike[str] = DEFAULT_URL,
    *,
    clock: Clock = utc_now,
    hasher: PasswordHasher | None = None,
    upgrade: bool = True,
    pool: PoolSettings | None = None,
    oldest_event_days: int = OLDEST_DAYS,
    max_features: int = MAX_FEATURES,
    limits: PoolSettings | None = None,
) -> Vigility:
    """Open a database; create it or upgrade its schema if needed.

    Args:
        url: `sqlite:///usage.db` (relative; a fourth slash makes it absolute), `file:usage.db`, a bare
            path (also as `Path`), `postgresql://user:password@host/database`, or `memory:`, which is gone
            with the process.
        clock: returns the present moment; for tests.
        hasher: hashes passwords; by default with bcrypt. A hash may have at most 60 characters.
        upgrade: False leaves the schema alone: one that is not up to date is then refused.
        pool: of the process's connections to PostgreSQL.
        oldest_event_days: how many days old a tracked event may be. Older history is taken by choosing more,
            up to 365,000.
        max_features: how many different features are taken. An event of a further one is refused. At
            most 1,000,000.
        limits: deprecated name of `pool`.

    Raises:
        InvalidInput: the URL is of an unknown kind, what its kind needs is not installed, or a number is not
            allowed.
        StoreUnavailable: the file cannot be opened, or the server cannot be reached.
        SchemaMismatch: a newer version of vigility made the database, or an older one did and `upgrade` is
            False.
    """
    if limits is not None:
        warn_deprecated("connect(limits=)", "connect(pool=)")
    window = EventWindow(oldest_event_days)
    installation = _open(
        DatabaseUrl.parse(url),
        upgrade=upgrade,
        pool=pool or limits,
        max_features=valid_count("max_features", max_features, HIGHEST_LIMIT),
    )
    return Vigility(installation, GroupCommit(installation.sink), hasher or _bcrypt(), clock, window)


@contextmanager
def open_copy(source_url: str, target_url: str, clock: Clock = utc_now) -> Iterator[Copy]:
    """A copy from one database, which is only read, into another, which is created if needed.

    Raises as `connect` does.
    """
    with (
        closing(_open_for_copy("source", source_url, upgrade=False)) as source,
        closing(_open_for_copy("target", target_url, upgrade=True)) as target,
    ):
        yield Copy(source, target, clock)


def schema_state(url: str) -> SchemaState:
    """Which revision the schema of a database has, and which one is needed. Changes nothing.

    Raises InvalidInput or StoreUnavailable.
    """
    parsed = DatabaseUrl.parse(url)
    return backend_for(parsed).schema_state(parsed, PoolSettings())


def problems(url: str) -> Sequence[str]:
    """What is damaged in a database whose schema is up to date, one sentence for each problem.

    Reads all of it and changes nothing. Raises InvalidInput or StoreError.
    """
    parsed = DatabaseUrl.parse(url)
    return backend_for(parsed).problems(parsed, PoolSettings())


def upgrade(url: str) -> SchemaState:
    """Create the tables of a database or bring them up to date; return the state after.

    Raises InvalidInput, StoreUnavailable or SchemaMismatch.
    """
    parsed = DatabaseUrl.parse(url)
    return backend_for(parsed).upgrade(parsed, PoolSettings())


def signing_secret(url: str, configured: str | None) -> bytes:
    """What tokens are signed with: the configured secret, or the default one of the database.

    Raises:
        InvalidInput: none is configured, and the database has nowhere to keep one.
        StoreUnavailable: the file of the secret cannot be made or read, or others may read it.
    """
    if configured is not None:
        return configured.encode()
    parsed = DatabaseUrl.parse(url)
    return backend_for(parsed).default_secret(parsed)


def _open(
    url: DatabaseUrl,
    *,
    upgrade: bool,
    pool: PoolSettings | None = None,
    max_features: int = MAX_FEATURES,
) -> Installation:
    backend = backend_for(url)
    return backend.open(url, upgrade=upgrade, pool=pool or PoolSettings(), max_features=max_features)


def _open_for_copy(field: str, text: str, *, upgrade: bool) -> Installation:
    """One end of a copy. InvalidInput says which end it is about."""
    try:
        url = DatabaseUrl.parse(text)
        if backend_for(url).outlives_process:
            return _open(url, upgrade=upgrade)
    except InvalidInput as error:
        raise InvalidInput(field, error.rule) from None
    raise InvalidInput(field, f"must be a database that outlives the program, not {url.safe_text!r}")


def _bcrypt() -> PasswordHasher:
    from vigility.auth.passwords import BcryptHasher

    return BcryptHasher()
