import sqlite3
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import vigility
from vigility import SchemaMismatch, StoreError
from vigility.adapters.sql import schema_version
from vigility.adapters.sql.schema import metadata


@pytest.fixture
def path(tmp_path):
    return tmp_path / "usage.db"


def tables(path):
    with sqlite3.connect(path) as reader:
        return {row[0] for row in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_the_listed_revisions_are_those_in_the_folder():
    script = ScriptDirectory(str(schema_version._MIGRATIONS))
    found = [revision.revision for revision in script.walk_revisions()]
    assert tuple(reversed(found)) == schema_version.REVISIONS


def test_the_migrated_schema_equals_the_declared_one(path):
    vigility.connect(str(path)).close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        options = {
            "compare_type": True,
            "version_table": schema_version.VERSION_TABLE,
            "include_name": lambda name, kind, _: kind != "table" or name != schema_version.VERSION_TABLE,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_an_up_to_date_database_is_opened_without_alembic(path):
    vigility.connect(str(path)).close()
    script = "import sys, vigility; vigility.connect(sys.argv[1]).close(); print('alembic' in sys.modules)"
    seen = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "False"


def test_a_newer_schema_is_refused_and_left_unchanged(path):
    vigility.connect(str(path)).close()
    with sqlite3.connect(path) as newer:
        newer.execute(f"UPDATE {schema_version.VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match=r"revision 9999.*upgrade vigility"):
        vigility.connect(str(path))
    with sqlite3.connect(path) as reader:
        assert reader.execute(f"SELECT * FROM {schema_version.VERSION_TABLE}").fetchall() == [("9999",)]


def test_an_upgrade_that_fails_leaves_nothing_behind(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE vigility_day_summaries (x)")  # the last table that the upgrade creates
    with pytest.raises(StoreError, match="vigility_day_summaries already exists"):
        vigility.connect(str(path))
    assert tables(path) == {"vigility_day_summaries"}


KILLED = """
import os, sys, vigility
from vigility.adapters.sql import schema_version
upgrade = schema_version._upgrade
schema_version._upgrade = lambda connection: (upgrade(connection), os.kill(os.getpid(), 9))
vigility.connect(sys.argv[1])
"""


def test_a_killed_upgrade_leaves_nothing_behind_and_is_done_the_next_time(path):
    killed = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert killed.returncode == -9
    assert tables(path) == set()
    with vigility.connect(str(path)) as v:
        assert v.maintenance.is_empty()
    assert "vigility_events" in tables(path)


def test_a_path_may_contain_percent_signs(path):
    folder = path.with_name("100%(here)s")
    folder.mkdir()
    vigility.connect(str(folder / "usage.db")).close()
    assert (folder / "usage.db").exists()
