"""Which revision of the schema a database has, and upgrading it to the newest.

Alembic takes 0.2 s to import: it is loaded only if a database has to be created or upgraded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from vigility.adapters.sql.database import Database
from vigility.core.errors import SchemaMismatch

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005")
"""Every revision, oldest first. A test compares it with the files under `migrations/versions`."""

VERSION_TABLE: Final = "vigility_schema"
"""Where Alembic keeps the revision: not `alembic_version`, which the team's application may have."""

_MIGRATIONS: Final = Path(__file__).with_name("migrations")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which revision a database has (None before the first), and the one that this version needs."""

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


def bring_up_to_date(database: Database) -> None:
    """Create the tables, or upgrade older ones, in one transaction. Does nothing at the newest revision.

    Raises SchemaMismatch if this version of vigility does not know the revision.
    """
    state = state_of(database)
    if _known(state.current, database.name) == state.newest:
        return
    with database.upgrading() as connection:  # when many start at once, the first upgrades
        if _known(_revision(connection), database.name) != REVISIONS[-1]:
            _upgrade(connection)


def require_up_to_date(database: Database) -> None:
    """Raise SchemaMismatch if the revision is not the newest. It says what to upgrade."""
    state = state_of(database)
    _known(state.current, database.name)
    if not state.is_current:
        has = f"its schema is revision {state.current}" if state.current else "it has no tables yet"
        raise SchemaMismatch(f"{database.name}: {has}, and {state.newest} is needed: run vigility db upgrade")


def state_of(database: Database) -> SchemaState:
    """Which revision the database has, known or not."""
    with database.reading() as connection:
        return SchemaState(_revision(connection))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608


def _known(revision: str | None, name: str) -> str | None:
    if revision is None or revision in REVISIONS:
        return revision
    raise SchemaMismatch(
        f"{name}: its schema is revision {revision}, and this version of vigility knows revisions up to "
        f"{REVISIONS[-1]}: upgrade vigility"
    )


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
