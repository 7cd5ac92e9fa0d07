"""`vigility copy`, as it is typed: refusals, kill -9, and a source that goes on taking events."""

import os
import re
import signal
import sqlite3
import threading
from pathlib import Path

import pytest

import vigility
from vigility.cli.main import run
from vigility.cli.signals import Signals
from vigility.core import migration
from vigility.core.migration import Copy

COPIED = re.compile(r"([\d,]+) events? copied")


@pytest.fixture
def seeded(program):
    """A program whose database holds ten users and a hundred events."""
    program.done("seed", "--random-seed", "1")
    return program


def report(path):
    with vigility.connect(str(path)) as v:
        assert v.verify_rollups() == []
        return v.report().features, v.users()


def test_a_copy_says_what_it_did_and_what_it_proved(seeded):
    said = seeded.done("copy", seeded.database, "moved.db").splitlines()
    assert said == [
        "Copied 10 users and 100 events.",
        "The target holds what the source holds: 100 events, and every day summary agrees.",
    ]
    assert report("moved.db") == report(seeded.database)
    assert seeded.done("copy", seeded.database, "moved.db").startswith("Copied 0 users and 0 events.\n")


def test_who_could_log_in_can_and_who_had_logged_out_stays_so(program):
    now = vigility.bootstrap.utc_now()
    with program.open() as v:
        v.register("ada", "a long password", 36, "Female")
        v.sessions.end("ended", now.replace(year=now.year + 1))
    program.done("copy", program.database, "moved.db")
    with vigility.connect("moved.db") as moved:
        assert moved.authenticate("ada", "a long password").id == 1
        assert moved.sessions.ended() == {"ended"}


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
def test_what_cannot_be_copied_is_refused_in_one_line(seeded, ends):
    source, target, code, said = ends(seeded)
    outcome = seeded("copy", source, target)
    assert (outcome.code, outcome.out) == (code, "")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert not Path("missing.db").exists()


def test_a_target_that_ends_up_different_is_said(seeded, monkeypatch):
    finish = Copy.finish

    def spoil_and_finish(task):
        with sqlite3.connect("moved.db") as connection:
            connection.execute("UPDATE vigility_day_summaries SET count = count + 1 WHERE feature_id = 1")
        connection.close()
        return finish(task)

    monkeypatch.setattr(Copy, "finish", spoil_and_finish)
    outcome = seeded("copy", seeded.database, "moved.db")
    assert outcome.code == 1
    assert "day summaries differ, the first that of " in outcome.err
    assert "The target holds what the source holds" not in outcome.out


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_copy_that_is_ended_half_way_goes_on(program, in_terminal, number):
    program.done("seed", "--events", "240000", "--random-seed", "3")
    terminal = in_terminal("copy", program.database, "moved.db", columns=200)
    while not any(int(shown.replace(",", "")) for shown in COPIED.findall(terminal.shown)):
        terminal.wait_for_more()
    os.kill(terminal.process.pid, number)
    code = terminal.ended()
    with vigility.connect("moved.db") as moved:
        there = sum(entry.count for entry in moved.report().features)
    assert 0 < there < 240_000
    if number == signal.SIGKILL:
        assert code == -number
    else:
        assert code == 128 + number
        words = f"{there:,} of 240,000 events are in the target; the same command goes on behind them"
        assert f"Interrupted: {words}" in terminal.shown.replace("\r\n", "")
    assert program.done("copy", program.database, "moved.db").startswith(
        f"Copied 0 users and {240_000 - there:,} events"
    )
    assert report("moved.db") == report(program.database)


def test_a_source_in_use_is_copied_and_the_next_run_brings_the_rest(seeded, monkeypatch, capsys):
    monkeypatch.setattr(migration, "EVENTS_A_STEP", 10)
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
    assert "The source took more events meanwhile." in capsys.readouterr().out
    monkeypatch.setattr(Copy, "events", step)
    assert "meanwhile" not in seeded.done("copy", seeded.database, "moved.db")
    assert report("moved.db") == report(seeded.database)
