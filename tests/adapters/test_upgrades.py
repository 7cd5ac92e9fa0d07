"""Upgrades from every earlier revision, with data in it, by one or many processes, for each database."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

import vigility
from support import postgres
from support.reports import daily
from vigility import SchemaMismatch, StoreUnavailable
from vigility.adapters.sql import schema_version
from vigility.adapters.sql.schema import metadata
from vigility.bootstrap import schema_state, upgrade

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = (NOW - datetime(1970, 1, 1, tzinfo=UTC)).days
AT = DAY * 86_400_000_000
OLDER = schema_version.REVISIONS[:-1]
PROCESSES = 8

EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"
DATA = {
    "0001": [
        "INSERT INTO vigility_users (username, age, gender, created) VALUES ('ada', 36, 'Female', 0)",
        "INSERT INTO vigility_features (name) VALUES ('x')",
        f"INSERT INTO vigility_events VALUES (1, 1, 1, {AT}, 36, 'Female', '{EVENT_ID}')",
        "SELECT setval('vigility_events_id_seq', 1)",
        f"INSERT INTO vigility_day_summaries VALUES (1, {DAY}, '18-40', 'Female', 1)",
    ],
    "0002": [
        f"INSERT INTO vigility_revoked_tokens VALUES ('revoked', {AT * 2})",
        f"INSERT INTO vigility_attempts VALUES ('account', {AT * 2})",
    ],
}


@pytest.fixture(params=["sqlite", postgres.PARAM])
def url(request, tmp_path):
    """A database without any tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/usage.db"
        return
    url = postgres.bare_database()
    yield url
    postgres.drop(url)


def engine_of(url):
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


def execute(url, *statements):
    engine = engine_of(url)
    with engine.begin() as connection:
        chosen = [line for line in statements if "setval" not in line or "postgres" in url]
        for statement in chosen:
            connection.execute(text(statement))
    engine.dispose()


def tables(url):
    engine = engine_of(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def create_at(revision, url):
    """Create a database at this revision, with data in every table that it has."""
    config = Config()
    config.set_main_option("script_location", str(schema_version._MIGRATIONS))
    engine = engine_of(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    for earlier in schema_version.REVISIONS[: schema_version.REVISIONS.index(revision) + 1]:
        execute(url, *DATA.get(earlier, []))


@pytest.mark.parametrize("revision", OLDER)
def test_an_older_database_is_upgraded_with_its_data(url, revision):
    create_at(revision, url)
    with vigility.connect(url, clock=lambda: NOW) as v:
        assert v.users.get("ada").age == 36
        assert daily(v.report(feature="x"))[-1][1] == 1
        assert v.maintenance.verify_rollups() == []
        revoked = {"revoked"} if revision >= "0002" else set()
        assert v.users.sessions.revoked() == v.users.sessions.revoked_after(0).kept_until.keys() == revoked
        v.users.sessions.revoke("another", NOW + timedelta(hours=24))
        assert v.users.sessions.revoked_after(0).kept_until.keys() == revoked | {"another"}
        assert v.track("ada", "x").id == 2
        assert v.track("ada", "x", event_id=EVENT_ID).id == 1
        v.users.add_without_password("bob", 17, "Male")
        assert v.track("bob", "x", event_id=EVENT_ID).id == 3
    assert schema_state(url).is_current


@pytest.mark.parametrize("revision", OLDER)
def test_an_older_database_is_left_unchanged_without_upgrade(url, revision):
    create_at(revision, url)
    before = tables(url)
    with pytest.raises(SchemaMismatch, match=rf"revision {revision}.*is needed: run vigility db upgrade"):
        vigility.connect(url, upgrade=False)
    assert tables(url) == before
    assert schema_state(url) == schema_version.SchemaState(revision)
    assert upgrade(url).is_current
    vigility.connect(url, upgrade=False).close()


def test_a_database_without_tables_is_left_unchanged_without_upgrade(url):
    with pytest.raises((SchemaMismatch, StoreUnavailable), match=r"no tables yet|no such file"):
        vigility.connect(url, upgrade=False)
    assert tables(url) == set()


def test_a_newer_schema_is_refused_and_left_unchanged(url):
    upgrade(url)
    execute(url, f"UPDATE {schema_version.VERSION_TABLE} SET version_num = '9999'")
    for upgrade_allowed in (True, False):
        with pytest.raises(SchemaMismatch, match=r"revision 9999.*upgrade vigility"):
            vigility.connect(url, upgrade=upgrade_allowed)
    assert schema_state(url).current == "9999"


OPENING = """
import sys, vigility
sys.stdin.read()
vigility.connect(sys.argv[1]).close()
"""


def test_many_processes_create_a_database_once(url):
    processes = [
        subprocess.Popen([sys.executable, "-c", OPENING, url], stdin=subprocess.PIPE)
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0] * PROCESSES
    assert schema_state(url).is_current


KILLED = """
import os, sys, vigility
from vigility.adapters.sql import schema_version
from sqlalchemy import event, Engine

def kill(connection, cursor, statement, *_):
    if sys.argv[2] in statement:
        os.kill(os.getpid(), 9)

event.listen(Engine, "after_cursor_execute", kill)
vigility.connect(sys.argv[1])
"""


@pytest.mark.parametrize(
    "moment",
    ["CREATE TABLE vigility_users", "CREATE TABLE vigility_attempts", "UPDATE vigility_schema"],
)
def test_a_killed_upgrade_leaves_the_old_schema_and_is_done_the_next_time(url, moment):
    create_at("0001", url) if moment != "CREATE TABLE vigility_users" else None
    before = tables(url)
    killed = subprocess.run([sys.executable, "-c", KILLED, url, moment], check=False)
    assert killed.returncode == -9
    assert tables(url) == before
    vigility.connect(url).close()
    assert schema_state(url).is_current


@pytest.mark.postgres
def test_the_schema_on_postgresql_differs_from_the_declared_one_as_intended():
    url = postgres.empty_database()
    engine = engine_of(url)
    with engine.connect() as connection:
        options = {
            "compare_type": True,
            "version_table": schema_version.VERSION_TABLE,
            "include_name": lambda name, kind, _: kind != "table" or name != schema_version.VERSION_TABLE,
        }
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    engine.dispose()
    postgres.drop(url)
    assert sorted((change[0], change[1].name) for change in found) == [
        ("add_fk", "fk_vigility_events_feature_id"),
        ("add_fk", "fk_vigility_events_user_id"),
        ("remove_table", "vigility_commits"),
    ]
