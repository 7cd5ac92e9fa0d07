"""`vigility serve` upgrades the schema first, or refuses an old one if upgrades are off."""

import os
import sqlite3
import subprocess
from contextlib import closing

import pytest

import vigility
from support import postgres
from support.web_server import BIN, TIMEOUT, running
from vigility.adapters.sql.schema_version import REVISIONS

pytestmark = pytest.mark.server

SERVE = [BIN / "vigility", "serve"]
GUNICORN = [
    BIN / "gunicorn",
    "-c",
    "python:vigility.web.server.gunicorn_conf",
    "vigility.web.server.asgi:app",
]


def set_revision(path, revision):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE vigility_schema SET version_num = ?", [revision])


def error_of(command, folder, url, **environment):
    """The error line of a server that does not start."""
    inherited = {"PATH": os.environ["PATH"], "JWT_SECRET": "x" * 32, "DATABASE_URL": url}  # noqa: TID251
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 1, done
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "usage.db"
    vigility.connect(str(path)).close()
    return path


def test_the_schema_is_upgraded_before_serving(database, tmp_path):
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in ("known_networks", "revoked_tokens", "attempts"):  # what later revisions create
            connection.execute(f"DROP TABLE vigility_{table}")
    set_revision(database, "0001")
    with running(tmp_path, workers=1) as server:
        server.register()
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT version_num FROM vigility_schema").fetchall() == [(REVISIONS[-1],)]


@pytest.mark.parametrize(
    ("command", "environment"),
    [
        ([*SERVE, "--no-upgrade"], {}),
        (SERVE, {"VIGILITY_UPGRADE": "off"}),
        (GUNICORN, {"VIGILITY_UPGRADE": "off"}),
    ],
    ids=["flag", "setting", "gunicorn"],
)
def test_an_older_schema_is_refused_without_upgrade(database, tmp_path, command, environment):
    set_revision(database, "0001")
    message = error_of(command, tmp_path, f"sqlite:///{database}", **environment)
    needed = f"its schema is revision 0001, and {REVISIONS[-1]} is needed: run vigility db upgrade"
    assert message == f"vigility: {database}: {needed}"


def test_a_newer_schema_is_always_refused(database, tmp_path):
    set_revision(database, "9999")
    assert error_of(SERVE, tmp_path, f"sqlite:///{database}").endswith(": upgrade vigility")


def test_a_missing_database_is_not_created_without_upgrade(tmp_path):
    message = error_of([*SERVE, "--no-upgrade"], tmp_path, f"sqlite:///{tmp_path}/usage.db")
    assert message == f"vigility: {tmp_path}/usage.db: there is no such file"
    assert not (tmp_path / "usage.db").exists()


@pytest.mark.usefixtures("database")
def test_a_current_database_is_served_without_upgrade(tmp_path):
    with running(tmp_path, workers=1, command=[*SERVE, "--no-upgrade"]) as server, server.connect() as client:
        assert client.send("GET", "/health") == (200, {"status": "ok"})


@pytest.mark.postgres
def test_a_postgresql_database_without_tables_is_refused_or_upgraded(tmp_path):
    url = postgres.bare_database()
    try:
        message = error_of([*SERVE, "--no-upgrade"], tmp_path, url)
        assert message.endswith(
            f"it has no tables yet, and {REVISIONS[-1]} is needed: run vigility db upgrade"
        )
        with running(tmp_path, workers=1, DATABASE_URL=url, JWT_SECRET="x" * 32) as server:
            server.register()
    finally:
        postgres.drop(url)
