"""Which revision of the schema a database has, and the way to the newest.

Alembic takes 0.2 s to import: it is loaded only where a database has to be made or upgraded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from vigility.core.errors import SchemaMismatch
from vigility.storage.sql.database import SqliteDatabase

REVISIONS: Final = ("0001", "0002")
"""Every revision, oldest first. A test holds it against the files under `migrations/versions`."""

VERSION_TABLE: Final = "vigility_schema"
"""Where Alembic keeps the revision: not `alembic_version`, which the team's application may have."""

_MIGRATIONS: Final = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which revision a database has (None before the first), and the one that this vigility works with."""

    current: str | None
    newest: str = REVISIONS[-1]

    @property
    def is_current(self) -> bool:
        """Whether the database can be used as it is."""
        return self.current == self.newest

    @property
    def is_known(self) -> bool:
        """False where a newer version of vigility made it."""
        return self.current in {None, *REVISIONS}


def state_of(database: SqliteDatabase) -> SchemaState:
    """Which revision the database has. Changes nothing."""
    with database.reading() as connection:
        return _state(connection)


def bring_up_to_date(database: SqliteDatabase) -> None:
    """Make the tables, or change older ones, in one transaction; the newest revision is left alone.

    Raises SchemaMismatch where the revision is none that this version of vigility knows.
    """
    if _checked(state_of(database), database.name).is_current:
        return
    with database.writing() as connection:  # where many start at once, the first upgrades
        if not _checked(_state(connection), database.name).is_current:
            _upgrade(connection)


def require_up_to_date(database: SqliteDatabase) -> None:
    """Raise SchemaMismatch where the revision is another than the newest, saying what to do."""
    state = _checked(state_of(database), database.name)
    if not state.is_current:
        has = "it has no schema yet" if state.current is None else f"its schema is revision {state.current}"
        raise SchemaMismatch(
            f"{database.name}: {has}, and this version of vigility needs {state.newest}: "
            "run vigility db upgrade"
        )


def _state(connection: Connection) -> SchemaState:
    revision = None
    if inspect(connection).has_table(VERSION_TABLE):
        revision = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return SchemaState(revision)


def _checked(state: SchemaState, name: str) -> SchemaState:
    """The state, of a revision that is known. Raises SchemaMismatch."""
    if state.is_known:
        return state
    raise SchemaMismatch(
        f"{name}: its schema is revision {state.current}, and this version of vigility knows those up to "
        f"{REVISIONS[-1]}: upgrade vigility"
    )


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
