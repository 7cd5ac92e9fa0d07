"""`vigility copy` as a command: errors, kill -9, and a source that receives events during the copy."""

import os
import re
import shutil
import signal
import sqlite3
import threading
from pathlib import Path

import pytest

import vigility
from vigility.cli.main import run
from vigility.cli.signals import Signals
from vigility.core import database_copy
from vigility.core.database_copy import Copy

COPIED = re.compile(r"([\d,]+) events? copied")


@pytest.fixture
def seeded(program):
    """A program whose database holds ten users and a hundred events."""
    program.done("seed", "--random-seed", "1")
    return program


def report(path):
    with vigility.connect(str(path)) as v:
        assert v.maintenance.verify_rollups() == []
        return v.report().totals, v.users.all()


def test_a_copy_reports_what_it_copied_and_verified(seeded):
    assert seeded.done("copy", seeded.database, "moved.db").splitlines() == [
        "Copied 10 users and 100 events.",
        "Verified: the target holds the same 100 events and daily rollups as the source.",
    ]
    assert report("moved.db") == report(seeded.database)
    assert seeded.done("copy", seeded.database, "moved.db").startswith("Copied 0 users and 0 events.\n")


def test_passwords_and_revoked_tokens_are_copied(program):
    now = vigility.bootstrap.utc_now()
    with program.open() as v:
        v.register("ada", "a long password", 36, "Female")
        v.users.sessions.revoke("revoked", now.replace(year=now.year + 1))
    program.done("copy", program.database, "moved.db")
    with vigility.connect("moved.db") as moved:
        assert moved.users.authenticate("ada", "a long password").id == 1
        assert moved.users.sessions.revoked() == {"revoked"}


def test_the_source_is_not_changed(seeded):
    before = seeded.database.read_bytes()
    seeded.database.chmod(0o444)
    seeded.done("copy", seeded.database, "moved.db")
    assert seeded.database.read_bytes() == before


def other_database(program):
    run(["--database", "other.db", "seed", "--random-seed", "2"])
    return program.database, "other.db", 1, "the target holds other events than the first ones of the source"


def older_source(program):
    with sqlite3.connect(program.database) as connection:
        connection.execute("UPDATE vigility_schema SET version_num = '0001'")
    connection.close()
    return program.database, "other.db", 1, "its schema is revision 0001, and "


@pytest.mark.parametrize(
    "ends",
    [
        other_database,
        older_source,
        lambda program: (program.database, program.database, 2, "TARGET_URL must be another database than"),
        lambda _: ("missing.db", "other.db", 1, "missing.db: there is no such file"),
        lambda _: ("mysql://x", "other.db", 2, "SOURCE_URL must be sqlite:///PATH"),
        lambda program: (program.database, "memory:", 2, "TARGET_URL must be a database that outlives"),
        lambda program: (program.database, "mysql://x", 2, "TARGET_URL must be sqlite:///PATH"),
    ],
    ids=["other", "older", "itself", "missing", "unknown source", "memory", "unknown target"],
)
def test_an_impossible_copy_is_an_error_of_one_line(seeded, ends):
    source, target, code, message = ends(seeded)
    outcome = seeded("copy", source, target)
    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not Path("missing.db").exists()


def test_a_target_that_differs_at_the_end_is_reported(seeded, monkeypatch):
    finish = Copy.finish

    def spoil_and_finish(task):
        with sqlite3.connect("moved.db") as connection:
            connection.execute("UPDATE vigility_day_summaries SET count = count + 1 WHERE feature_id = 1")
        connection.close()
        return finish(task)

    monkeypatch.setattr(Copy, "finish", spoil_and_finish)
    outcome = seeded("copy", seeded.database, "moved.db")
    assert outcome.code == 1
    assert "rows of the daily rollup differ, first " in outcome.err
    assert "Verified" not in outcome.out


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A database of 240,000 events."""
    path = tmp_path_factory.mktemp("large") / "usage.db"
    assert run(["--database", str(path), "seed", "--events", "240000", "--random-seed", "3"]) == 0
    return path


@pytest.mark.slow  # copies 240,000 events
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_copy_can_be_continued(program, large, in_terminal, number):
    shutil.copy(large, program.database)
    terminal = in_terminal("copy", program.database, "moved.db", columns=200)
    terminal.wait_until(lambda shown: any(int(n.replace(",", "")) for n in COPIED.findall(shown)))
    os.kill(terminal.process.pid, number)
    code = terminal.ended()
    with vigility.connect("moved.db") as moved:
        there = moved.report().total
    assert 0 < there < 240_000
    if number == signal.SIGKILL:
        assert code == -number
    else:
        assert code == 128 + number
        note = f"{there:,} of 240,000 events are in the target; run the same command again to continue"
        assert f"Interrupted: {note}" in terminal.shown.replace("\r\n", "")
    assert program.done("copy", program.database, "moved.db").startswith(
        f"Copied 0 users and {240_000 - there:,} events"
    )
    assert report("moved.db") == report(program.database)


def test_a_source_in_use_is_copied_and_the_next_run_copies_the_rest(seeded, monkeypatch, capsys):
    monkeypatch.setattr(database_copy, "EVENTS_PER_STEP", 10)
    step, written = Copy.events, threading.Event()
    enough = threading.Event()

    def write():
        with seeded.open() as v:
            while not enough.is_set():
                v.track("user1", "while_copying")
                written.set()

    def wait_for_writer_and_step(task):
        written.clear()
        assert written.wait(60)
        return step(task)

    monkeypatch.setattr(Copy, "events", wait_for_writer_and_step)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        code = run(["copy", str(seeded.database), "moved.db"], Signals())
    finally:
        enough.set()
        writer.join()
    assert code == 0
    assert "The source received more events during the copy." in capsys.readouterr().out
    monkeypatch.setattr(Copy, "events", step)
    assert "received more" not in seeded.done("copy", seeded.database, "moved.db")
    assert report("moved.db") == report(seeded.database)
