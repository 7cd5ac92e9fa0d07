"""The composition root: from a database URL to a working `Vigility`. Only this module picks a store."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vigility.core.copying import Copy
from vigility.core.errors import InvalidInput
from vigility.core.service import Vigility

if TYPE_CHECKING:
    from vigility.core.accounts import PasswordHasher
    from vigility.core.repositories import Store
    from vigility.core.times import Clock
    from vigility.storage.sql.versions import SchemaState as SchemaState  # noqa: PLC0414 - for the faces

DEFAULT_URL: Final = "sqlite:///vigility.db"

_ALLOWED: Final = "must be sqlite:///PATH, file:PATH, the path of an SQLite file, or memory:"


def utc_now() -> datetime:
    """The present moment in UTC: the one place where the clock is read."""
    return datetime.now(UTC)  # noqa: TID251


def connect(
    url: str = DEFAULT_URL,
    *,
    clock: Clock = utc_now,
    hasher: PasswordHasher | None = None,
    upgrade: bool = True,
) -> Vigility:
    """Open a database; create it or upgrade its schema where needed.

    Args:
        url: `sqlite:///usage.db` (relative; a fourth slash makes it absolute), `file:usage.db`, a bare
            path, or `memory:`, which is gone with the process.
        clock: what tells the time; for tests.
        hasher: what hashes passwords; by default bcrypt.
        upgrade: False refuses a database that would have to be made or upgraded first.

    Raises:
        InvalidInput: the URL is of no kind that is known.
        StoreUnavailable: the file cannot be opened.
        SchemaMismatch: it was made by a newer version of vigility, or is not to be upgraded.
    """
    store = _open_store(url, upgrade=upgrade)
    return Vigility(store, hasher or _bcrypt(), clock)


def _open_store(url: str, *, upgrade: bool = True) -> Store:
    # Imported here: SQLAlchemy takes 0.25 s, which `import vigility` must not cost.
    if url == "memory:":
        from vigility.storage.memory import MemoryStore

        return MemoryStore()
    path = sqlite_path(url)
    from vigility.storage.sql.store import open_sqlite

    return open_sqlite(path, upgrade=upgrade)


@contextmanager
def copying(source_url: str, target_url: str, clock: Clock = utc_now) -> Iterator[Copy]:
    """A copy from one database, which is only read from, into another, which is made where needed.

    Raises as `connect` does.
    """
    with (
        closing(_end_of_copy("source", source_url, upgrade=False)) as source,
        closing(_end_of_copy("target", target_url, upgrade=True)) as target,
    ):
        yield Copy(source, target, clock)


def _end_of_copy(field: str, url: str, *, upgrade: bool) -> Store:
    """The store that an end of a copy names; InvalidInput says which end it is about."""
    if url == "memory:":
        raise InvalidInput(field, "must be a database that outlives the program, not 'memory:'")
    try:
        return _open_store(url, upgrade=upgrade)
    except InvalidInput as error:
        raise InvalidInput(field, error.rule) from None


def schema_state(url: str) -> SchemaState:
    """Which revision of the schema a database has. Changes nothing.

    Raises InvalidInput, or StoreUnavailable where it cannot be read.
    """
    path = sqlite_path(url)
    from vigility.storage.sql.store import sqlite_schema

    return sqlite_schema(path)


def upgrade(url: str) -> SchemaState:
    """Make the tables of an SQL database or bring them up to date; the state it then has.

    Raises InvalidInput, StoreUnavailable or SchemaMismatch.
    """
    _open_store(url).close()
    return schema_state(url)


def signing_secret(url: str, configured: str | None) -> bytes:
    """What tokens are signed with: the configured secret, or the one kept beside the SQLite file.

    Raises:
        InvalidInput: none is configured, and there is no file beside which one could be kept.
        StoreUnavailable: the secret's file cannot be made or read, or others may read it.
    """
    from vigility.auth.secrets import kept_secret
    from vigility.auth.tokens import HOW_TO_MAKE_ONE

    if configured is not None:
        return configured.encode()
    if url == "memory:":
        return secrets.token_bytes(48)  # gone with the process, as its users are
    if url.startswith("postgres"):
        raise InvalidInput("JWT_SECRET", f"is required with PostgreSQL; {HOW_TO_MAKE_ONE}")
    database = sqlite_path(url)
    database = database.resolve()  # one file has one secret, by whatever link it was reached
    return kept_secret(database.with_name(database.name + "-secret"))


def sqlite_path(url: str) -> Path:
    """The file that a database URL names. Raises InvalidInput where it names none."""
    scheme, colon, rest = url.partition(":")
    if not colon:
        path = url
    elif scheme == "file":
        path = rest.removeprefix("//")
    elif scheme == "sqlite" and rest.startswith("///"):
        path = rest.removeprefix("///")
    else:
        raise InvalidInput("database", f"{_ALLOWED}, not {_without_password(url)!r}")
    if not path.strip() or "?" in path or "\0" in path:
        shown = _without_password(url)
        raise InvalidInput("database", f"{_ALLOWED}, with no options behind it, not {shown!r}")
    if path == ":memory:":  # SQLite's own, in which each connection would have a database to itself
        raise InvalidInput("database", f"{_ALLOWED}, not {url!r}")
    return Path(path).expanduser()


def _without_password(url: str) -> str:
    """The URL without what stands between `//` and `@` or behind `?`: errors reach logs."""
    start, question, _ = url.partition("?")
    scheme, slashes, rest = start.partition("//")
    _, at, host = rest.rpartition("@")
    shown = f"{scheme}{slashes}…@{host}" if at else start
    return f"{shown}?…" if question else shown


def _bcrypt() -> PasswordHasher:
    from vigility.auth.passwords import BcryptHasher

    return BcryptHasher()
