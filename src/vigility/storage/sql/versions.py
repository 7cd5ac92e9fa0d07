"""Which revision of the schema a database has, and the way to the newest.

Alembic takes 0.2 s to import: it is loaded only where a database has to be made or upgraded.
"""

from __future__ import annotations

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


def bring_up_to_date(database: SqliteDatabase) -> None:
    """Make the tables, or change older ones, in one transaction; the newest revision is left alone.

    Raises SchemaMismatch where the revision is none that this version of vigility knows.
    """
    with database.reading() as connection:
        if _revision(connection, database.name) == REVISIONS[-1]:
            return
    with database.writing() as connection:  # where many start at once, the first upgrades
        if _revision(connection, database.name) != REVISIONS[-1]:
            _upgrade(connection)


def _revision(connection: Connection, name: str) -> str | None:
    """The revision of the database; None before the first."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    if revision is None or revision in REVISIONS:
        return revision
    raise SchemaMismatch(
        f"{name}: its schema is revision {revision}, and this version of vigility knows those up to "
        f"{REVISIONS[-1]}: upgrade vigility"
    )


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
