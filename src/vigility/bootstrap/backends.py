"""The registry of storage backends: what vigility does differently for each kind of database.

To add a backend, add its scheme to `database_url.py` and an entry to `_BACKENDS` here.
docs/add-a-storage-backend.md has the steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from vigility.bootstrap.database_url import DatabaseUrl, Kind
from vigility.core.errors import InvalidInput
from vigility.core.events.feature_limit import MAX_FEATURES

if TYPE_CHECKING:
    from vigility.adapters.sql.database import Database
    from vigility.adapters.sql.schema_version import SchemaState
    from vigility.bootstrap.settings import PoolSettings
    from vigility.core.installation import Installation


class Backend(Protocol):
    """One kind of storage backend."""

    @property
    def outlives_process(self) -> bool:
        """Whether the data is still there after the process has ended, and shared with others."""
        ...

    @property
    def parallel_batches(self) -> bool:
        """Whether it stores two batches in less time when they are written in parallel."""
        ...

    def open(
        self, url: DatabaseUrl, *, upgrade: bool, pool: PoolSettings, max_features: int = MAX_FEATURES
    ) -> Installation:
        """Open the database; with `upgrade`, create it or bring its schema up to date.

        An event whose feature would be one more than `max_features` is refused.

        Raises InvalidInput, StoreUnavailable or SchemaMismatch.
        """
        ...

    def schema_state(self, url: DatabaseUrl, pool: PoolSettings) -> SchemaState:
        """The revision of its schema. Changes nothing. Raises InvalidInput or StoreUnavailable."""
        ...

    def problems(self, url: DatabaseUrl, pool: PoolSettings) -> Sequence[str]:
        """What is damaged, one sentence for each problem. Changes nothing. Raises as `schema_state` does."""
        ...

    def upgrade(self, url: DatabaseUrl, pool: PoolSettings) -> SchemaState:
        """Bring its schema up to date; return the state after. Raises as `open` does."""
        ...

    def files(self, url: DatabaseUrl) -> tuple[Path, ...]:
        """The files that belong to the database, and that nothing else may overwrite."""
        ...

    def default_secret(self, url: DatabaseUrl) -> bytes:
        """What tokens are signed with if nothing is configured.

        Raises InvalidInput if there is nowhere to keep a secret; StoreUnavailable if its file cannot be
        made or read, or if others may read it.
        """
        ...


def backend_for(url: DatabaseUrl) -> Backend:
    """The backend of this kind of URL."""
    return _BACKENDS[url.kind]


# Each method imports what it needs: SQLAlchemy takes 0.25 s, which `import vigility` must not cost.


class _Memory:
    outlives_process = False
    parallel_batches = False

    def open(
        self,
        url: DatabaseUrl,  # noqa: ARG002
        *,
        upgrade: bool,  # noqa: ARG002
        pool: PoolSettings,  # noqa: ARG002
        max_features: int = MAX_FEATURES,
    ) -> Installation:
        from vigility.adapters.memory.backend import open_memory

        return open_memory(max_features)

    def schema_state(self, url: DatabaseUrl, pool: PoolSettings) -> SchemaState:  # noqa: ARG002
        raise InvalidInput("database", "must outlive the program: memory: has no schema")

    def problems(self, url: DatabaseUrl, pool: PoolSettings) -> Sequence[str]:  # noqa: ARG002
        return ()

    def upgrade(self, url: DatabaseUrl, pool: PoolSettings) -> SchemaState:
        return self.schema_state(url, pool)

    def files(self, url: DatabaseUrl) -> tuple[Path, ...]:  # noqa: ARG002
        return ()

    def default_secret(self, url: DatabaseUrl) -> bytes:  # noqa: ARG002
        import secrets

        return secrets.token_bytes(48)  # gone with the process, as its users are


class _Sql:
    """What the SQL databases have in common."""

    outlives_process = True

    def open(
        self, url: DatabaseUrl, *, upgrade: bool, pool: PoolSettings, max_features: int = MAX_FEATURES
    ) -> Installation:
        database = self._database(url, pool, make=upgrade)
        from vigility.adapters.sql.backend import open_sql

        return open_sql(database, upgrade=upgrade, max_features=max_features)

    def schema_state(self, url: DatabaseUrl, pool: PoolSettings) -> SchemaState:
        from vigility.adapters.sql.schema_version import state_of

        with closing(self._database(url, pool, make=False)) as database:
            return state_of(database)

    def problems(self, url: DatabaseUrl, pool: PoolSettings) -> Sequence[str]:
        from vigility.adapters.sql.integrity import problems_of

        with closing(self._database(url, pool, make=False)) as database:
            return problems_of(database)

    def upgrade(self, url: DatabaseUrl, pool: PoolSettings) -> SchemaState:
        from vigility.adapters.sql.schema_version import bring_up_to_date, state_of

        with closing(self._database(url, pool, make=True)) as database:
            bring_up_to_date(database)
            return state_of(database)

    def _database(self, url: DatabaseUrl, pool: PoolSettings, *, make: bool) -> Database:
        raise NotImplementedError


class _Sqlite(_Sql):
    parallel_batches = False  # one writer at a time has the lock

    def schema_state(self, url: DatabaseUrl, pool: PoolSettings) -> SchemaState:  # type: ignore[explicit-override]
        from vigility.adapters.sql.schema_version import SchemaState

        return super().schema_state(url, pool) if _path(url).exists() else SchemaState(None)

    def files(self, url: DatabaseUrl) -> tuple[Path, ...]:
        database = _path(url).resolve()
        ends = ("", "-wal", "-shm", "-lock", "-secret")
        return tuple(database.with_name(database.name + end) for end in ends)

    def default_secret(self, url: DatabaseUrl) -> bytes:
        from vigility.auth.secrets import kept_secret

        database = _path(url).resolve()  # one file has one secret, whatever link leads to it
        return kept_secret(database.with_name(database.name + "-secret"))

    def _database(self, url: DatabaseUrl, pool: PoolSettings, *, make: bool) -> Database:  # type: ignore[explicit-override]
        from vigility.adapters.sql.sqlite.database import sqlite_database

        database = sqlite_database(_path(url), make=make)
        database.statement_seconds = pool.statement_seconds
        return database


class _Postgres(_Sql):
    parallel_batches = True

    def files(self, url: DatabaseUrl) -> tuple[Path, ...]:  # noqa: ARG002
        return ()

    def default_secret(self, url: DatabaseUrl) -> bytes:  # noqa: ARG002
        from vigility.auth.tokens import HOW_TO_MAKE_ONE

        raise InvalidInput("JWT_SECRET", f"is required with PostgreSQL; {HOW_TO_MAKE_ONE}")

    def _database(self, url: DatabaseUrl, pool: PoolSettings, *, make: bool) -> Database:  # type: ignore[explicit-override]  # noqa: ARG002
        try:
            import psycopg  # noqa: F401 - to say what to install if it is missing
        except ImportError as error:
            how = "needs psycopg for PostgreSQL: pip install 'vigility[postgres]'"
            raise InvalidInput("database", f"{how} ({error})") from error
        from vigility.adapters.sql.postgres.database import PostgresDatabase

        return PostgresDatabase(str(url.address), pool.connections, pool.statement_seconds)


def _path(url: DatabaseUrl) -> Path:
    assert url.path is not None  # noqa: S101 - every URL of this kind has one
    return url.path


_BACKENDS: Final[dict[Kind, Backend]] = {
    "memory": _Memory(),
    "sqlite": _Sqlite(),
    "postgresql": _Postgres(),
}
