"""`vigility db`: its messages about a schema, and its exit codes."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from vigility.adapters.sql.schema_version import REVISIONS
from vigility.cli.main import run

NEWEST = REVISIONS[-1]


def set_revision(program, revision):
    with closing(sqlite3.connect(program.database)) as connection, connection:
        connection.execute("UPDATE vigility_schema SET version_num = ?", [revision])


def test_checking_a_missing_database_does_not_create_it(program):
    assert program("db", "check").code == 3
    assert (
        program.done("db", "current")
        == f"none (no tables yet, but revision {NEWEST} is needed: run vigility db upgrade)\n"
    )
    assert not program.database.exists()


def test_an_upgrade_creates_the_tables_and_can_be_repeated(program):
    assert program.done("db", "upgrade").endswith(f"usage.db was upgraded to revision {NEWEST}.\n")
    assert program.done("db", "upgrade").endswith(f"usage.db is up to date: revision {NEWEST}.\n")
    assert program.done("db", "check").endswith(f"usage.db: revision {NEWEST}, up to date\n")
    assert program.done("db", "current") == f"{NEWEST} (revision {NEWEST}, up to date)\n"


def test_an_older_schema_is_reported_and_upgraded(program):
    program.done("db", "upgrade")
    with closing(sqlite3.connect(program.database)) as connection, connection:
        connection.execute("DROP TABLE vigility_revoked_tokens")
        connection.execute("DROP TABLE vigility_attempts")
        connection.execute("DROP TABLE vigility_known_networks")
    set_revision(program, "0001")
    outcome = program("db", "check")
    assert (outcome.code, outcome.err) == (3, "")
    assert outcome.out.endswith(
        f": revision 0001, but revision {NEWEST} is needed: run vigility db upgrade\n"
    )
    assert program.done("db", "upgrade").endswith(f" was upgraded from revision 0001 to revision {NEWEST}.\n")


def test_a_newer_schema_is_reported_and_not_changed(program):
    program.done("db", "upgrade")
    set_revision(program, "9999")
    outcome = program("db", "check")
    assert (outcome.code, outcome.err) == (4, "")
    assert f"revision 9999 is newer than {NEWEST}" in outcome.out
    assert program.done("db", "current").startswith("9999 (")
    upgraded = program("db", "upgrade")
    assert upgraded.code == 1
    assert "revision 9999" in upgraded.err


@pytest.mark.parametrize("command", ["upgrade", "check", "current"])
def test_a_folder_is_not_a_database(program, command):
    program.database.mkdir()
    outcome = program("db", command)
    assert outcome.code == 1
    assert outcome.err.endswith("is a directory\n")


@pytest.mark.usefixtures("program")
def test_memory_has_no_schema(capsys):
    assert run(["--database", "memory:", "db", "check"]) == 2
    assert "must outlive the program" in capsys.readouterr().err


def test_concurrent_upgrades_upgrade_once(program):
    command = [sys.executable, "-m", "vigility", "--database", str(program.database), "db", "upgrade"]
    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=False), range(4))
        )
    assert [(process.returncode, process.stderr) for process in done] == [(0, "")] * 4
    assert program("db", "check").code == 0


def test_a_sound_database_passes_the_check_of_its_integrity(with_users):
    with_users.done("track", "zoom", "--user", "ada")
    assert with_users.done("db", "check", "--integrity").endswith(
        f"usage.db: revision {NEWEST}, up to date\nNo damage was found in {with_users.database}.\n"
    )


def test_damage_is_listed_and_has_its_own_exit_code(with_users):
    with_users.done("track", "zoom", "--user", "ada")
    with closing(sqlite3.connect(with_users.database)) as connection, connection:
        connection.execute("UPDATE vigility_events SET age = 'x'")
    assert with_users("db", "check").code == 0, "nothing is read without the option"
    outcome = with_users("db", "check", "--integrity")
    assert (outcome.code, outcome.err) == (5, "")
    assert "\nvigility_events: age of another type (rows: 1)\n" in outcome.out
    assert outcome.out.endswith(f" in {with_users.database}. What to do: docs/durability.md\n")


def test_a_file_whose_schema_cannot_be_read_is_damaged(program):
    program.done("db", "upgrade")
    with program.database.open("r+b") as file:
        file.write(b"x" * 16)
    outcome = program("db", "check")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.endswith("usage.db: file is not a database, or its beginning is damaged\n")
    outcome = program("db", "check", "--integrity")
    assert (outcome.code, outcome.err) == (5, "")
    reason = "file is not a database, or its beginning is damaged"
    assert outcome.out.startswith(f"{program.database}: {reason}\n")
    for command in (["report"], ["users", "list"], ["track", "x", "--user", "ada"], ["summaries", "verify"]):
        outcome = program(*command)
        assert outcome.code == 1
        assert outcome.err.endswith(f"usage.db: {reason}\n")


@pytest.mark.parametrize("revision", ["0001", "9999"])
def test_the_integrity_of_another_schema_is_not_checked(program, revision):
    program.done("db", "upgrade")
    set_revision(program, revision)
    assert program("db", "check", "--integrity").code == (3 if revision == "0001" else 4)
