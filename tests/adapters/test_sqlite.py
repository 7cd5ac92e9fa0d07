"""The promises about an SQLite file: durable, and shared by processes."""

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event

import vigility
from support.installations import database_of
from support.reports import daily, totals
from vigility import NewEvent, StoreError, StoreUnavailable
from vigility.adapters.sql.sqlite import time_limit
from vigility.adapters.sql.sqlite.file_lock import file_lock

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

TRACKING_PROCESS = """
import sys, vigility
url, count = sys.argv[1], int(sys.argv[2])
with vigility.connect(url) as v:
    for _ in range(count):
        print(v.track("ada", "x").id, flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "usage.db"


@pytest.fixture
def v(path):
    with vigility.connect(str(path), clock=lambda: NOW) as opened:
        opened.users.add_without_password("ada", 36, "Female")
        yield opened


def count(v, feature="x"):
    return totals(v.report()).get(feature, 0)


def start(script, *arguments):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_the_file_has_the_settings_that_durability_needs(v, path):
    seen = {}
    with database_of(v).writing() as connection:
        for pragma in ("journal_mode", "synchronous", "foreign_keys"):
            seen[pragma] = connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()
    assert seen == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert path.exists()


def test_a_writing_transaction_locks_the_file_from_its_begin(v, path):
    """Other programs do not use the lock file. If they wrote in between, a later lock could only fail."""
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with database_of(v).writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_reports_read_only_rollups(v):
    v.track("ada", "x")
    statements = []

    def record(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    try:
        assert daily(v.report(feature="x"))[-1][1] == 1
    finally:
        event.remove(Engine, "before_cursor_execute", record)
    assert any("vigility_day_summaries" in statement for statement in statements)
    assert not any("vigility_events" in statement for statement in statements)


def test_events_and_rollups_are_one_transaction(v, path):
    v.track("ada", "x")
    with sqlite3.connect(path) as spoiler:
        spoiler.execute("DROP TABLE vigility_day_summaries")
    with pytest.raises(StoreError, match="no such table: vigility_day_summaries"):
        v.track("ada", "x")
    with sqlite3.connect(path) as reader:
        assert reader.execute("SELECT count(*) FROM vigility_events").fetchone() == (1,)


def test_events_that_a_trigger_drops_are_an_error_without_endless_retries(v, path):
    v.track("ada", "y")
    with sqlite3.connect(path) as other:
        other.execute(
            "CREATE TRIGGER no_x BEFORE INSERT ON vigility_events"
            " WHEN NEW.feature_id != 1 BEGIN SELECT RAISE(IGNORE); END"
        )
    with pytest.raises(StoreError, match="not stored as they are given"):
        v.track("ada", "x")
    assert v.track("ada", "y").id == 2
    assert (count(v), count(v, "y")) == (0, 2)


def test_returned_ids_are_those_of_the_rows_despite_gaps_and_triggers(v, path):
    v.track("ada", "x")
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE audit (id INTEGER PRIMARY KEY, event INTEGER)")
        other.execute(
            "CREATE TRIGGER noting AFTER INSERT ON vigility_events"
            " BEGIN INSERT INTO audit VALUES (NEW.id + 5000, NEW.id); END"
        )
        other.execute("UPDATE vigility_events SET id = 1000")
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda n: (v.track("ada", f"f{n}").id, f"f{n}"), range(100)))
    events = [NewEvent("ada", f"g{n}", NOW, f"123e4567-e89b-42d3-a456-{n:012}") for n in range(1_300)]
    v.track_many(events)
    stored += [(v.track("ada", e.feature, event_id=e.event_id).id, e.feature) for e in events[::100]]
    with sqlite3.connect(path) as reader:
        names = dict(
            reader.execute(
                "SELECT e.id, f.name FROM vigility_events e JOIN vigility_features f ON f.id = feature_id"
            )
        )
    assert {number: names[number] for number, _ in stored} == dict(stored)
    assert v.maintenance.verify_rollups() == []


@pytest.mark.parametrize("number", [499, 500, 501, 1_203])
def test_every_event_of_a_batch_of_any_size_is_stored(v, path, number):
    """One statement inserts hundreds of events, and smaller ones the rest."""
    begin = NOW - timedelta(hours=1)
    v.track_many(NewEvent("ada", "x", begin + timedelta(seconds=second)) for second in range(number))
    with sqlite3.connect(path) as reader:
        ids, seconds = zip(
            *reader.execute("SELECT id, at / 1000000 FROM vigility_events ORDER BY id"), strict=True
        )
    reader.close()
    assert ids == tuple(range(1, number + 1))
    assert [second - seconds[0] for second in seconds] == list(range(number))
    assert v.maintenance.verify_rollups() == []


def test_a_changed_rollup_is_detected_and_rebuilt(v, path):
    v.track_many([NewEvent("ada", "x", NOW)] * 3 + [NewEvent("ada", "y", NOW)])
    with sqlite3.connect(path) as spoiler:
        spoiler.execute("UPDATE vigility_day_summaries SET count = 7 WHERE feature_id = 1")
        spoiler.execute("DELETE FROM vigility_day_summaries WHERE feature_id = 2")
        spoiler.execute("INSERT INTO vigility_day_summaries VALUES (2, 5, '<18', 'Male', 1)")
    found = {
        (d.key.feature, d.key.day.isoformat(), d.key.values[0], d.in_rollup, d.in_events)
        for d in v.maintenance.verify_rollups()
    }
    assert found == {
        ("x", "2026-03-01", "18-40", 7, 3),
        ("y", "2026-03-01", "18-40", 0, 1),
        ("y", "1970-01-06", "<18", 1, 0),
    }
    v.maintenance.rebuild_rollups()
    assert v.maintenance.verify_rollups() == []
    assert count(v) == 3


def test_many_processes_create_a_file_once(path):
    script = "import sys, vigility; vigility.connect(sys.argv[1]).close()"
    processes = [start(script, path) for _ in range(6)]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0] * 6
    with vigility.connect(str(path)) as opened:
        assert opened.maintenance.is_empty()


def test_processes_track_concurrently_without_loss_or_errors(v, path):
    processes = [start(TRACKING_PROCESS, path, 50) for _ in range(4)]
    ids = [int(line) for process in processes for line in process.communicate()[0].split()]
    assert [process.returncode for process in processes] == [0] * 4
    assert sorted(ids) == list(range(1, 201))
    assert count(v) == 200
    assert v.maintenance.verify_rollups() == []


def test_threads_track_concurrently(v):
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: v.track("ada", "x").id, range(200)))
    assert sorted(ids) == list(range(1, 201))
    assert count(v) == 200


def test_acknowledged_events_survive_kill_9(v, path):
    """An event is acknowledged once its id was printed."""
    process = start(TRACKING_PROCESS, path, 1_000_000)
    acknowledged = [int(process.stdout.readline()) for _ in range(30)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in process.communicate()[0].splitlines() if line.strip()]
    with sqlite3.connect(path) as reader:
        stored = {row[0] for row in reader.execute("SELECT id FROM vigility_events")}
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert set(acknowledged) <= stored
    assert len(stored) - len(acknowledged) <= 1, "at most the event that was under way"
    assert v.maintenance.verify_rollups() == []
    v.track("ada", "x")


def test_a_forked_child_opens_its_own_connections(v):
    v.track("ada", "x")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            v.track("ada", "x")
            v.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    v.track("ada", "x")
    assert count(v) == 3
    assert v.maintenance.verify_rollups() == []


def test_the_error_for_a_missing_directory_says_so(tmp_path):
    with pytest.raises(StoreUnavailable, match="unable to open database file"):
        vigility.connect(str(tmp_path / "missing" / "usage.db"))


@pytest.mark.parametrize(
    ("place", "reason"),
    [("folder", "is a directory"), ("/", "is a directory"), ("pipe", "is not a regular file")],
)
def test_the_error_for_anything_but_a_file_says_so_and_no_lock_file_is_created(tmp_path, place, reason):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreUnavailable, match=reason):
        vigility.connect(str(tmp_path / place))
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "pipe"}


def test_the_error_for_a_locked_new_file_says_so(path, monkeypatch):
    monkeypatch.setattr("vigility.adapters.sql.sqlite.database.BUSY_TIMEOUT_SECONDS", 0)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("CREATE TABLE other (x)")
        other.execute("BEGIN")
        other.execute("SELECT * FROM other").fetchall()
        with pytest.raises(StoreUnavailable, match="database is locked"):
            vigility.connect(str(path))
    other.close()
    vigility.connect(str(path)).close()


def test_a_link_to_the_file_uses_the_lock_of_the_file(v, path, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.db"
    link.symlink_to(path)
    with vigility.connect(str(link)) as linked:
        linked.track("ada", "x")
    assert list(link.parent.iterdir()) == [link]
    assert count(v) == 1


def test_a_relative_path_survives_a_change_of_directory_and_a_fork(tmp_path, monkeypatch):
    """A daemon does both."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    with vigility.connect("usage.db", clock=lambda: NOW) as v:
        v.users.add_without_password("ada", 36, "Female")
        monkeypatch.chdir("other")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                v.track("ada", "x")
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert count(v) == 1
    assert not list((tmp_path / "other").iterdir())


def test_closing_waits_for_the_lock(v, path):
    """The last process to close a file checkpoints it, which must not race a write of another."""
    v.track("ada", "x")
    with ThreadPoolExecutor(1) as pool:
        with file_lock(path.with_name("usage.db-lock")):
            closing = pool.submit(v.close)
            with pytest.raises(TimeoutError):
                closing.result(timeout=0.2)
        closing.result(timeout=60)


def test_a_file_that_is_no_database_is_refused_and_left_unchanged(path):
    path.write_text("dear diary, " * 100)
    with pytest.raises(StoreError, match="not a database"):
        vigility.connect(str(path))
    assert path.read_text() == "dear diary, " * 100


@pytest.mark.usefixtures("v")
def test_the_error_for_a_locked_file_says_so_and_writes_work_again_afterwards(path, monkeypatch):
    monkeypatch.setattr("vigility.adapters.sql.sqlite.database.BUSY_TIMEOUT_SECONDS", 0)
    with vigility.connect(str(path)) as impatient:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="database is locked") as refused:
            impatient.track("ada", "x")
        assert refused.value.reason == "another process is writing and does not end"
        other.execute("ROLLBACK")
        other.close()
        assert impatient.track("ada", "x").id == 1


def test_the_tables_of_an_application_are_left_unchanged(path):
    with sqlite3.connect(path) as application:
        application.execute("CREATE TABLE users (name TEXT)")
        application.execute("CREATE TABLE alembic_version (version_num TEXT)")
        application.execute("INSERT INTO alembic_version VALUES ('abc')")
        application.execute("INSERT INTO users VALUES ('eve')")
    with vigility.connect(str(path)) as v:
        v.users.add_without_password("ada", 36, "Female")
        v.maintenance.wipe()
    with sqlite3.connect(path) as application:
        assert application.execute("SELECT * FROM users").fetchall() == [("eve",)]
        assert application.execute("SELECT * FROM alembic_version").fetchall() == [("abc",)]


def test_a_user_with_events_cannot_be_deleted(v, path):
    """Foreign keys hold even if another program writes the file."""
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA foreign_keys = ON")
        v.track("ada", "x")
        with pytest.raises(sqlite3.IntegrityError):
            other.execute("DELETE FROM vigility_users")


def test_a_report_that_takes_too_long_is_ended(v, monkeypatch):
    v.track("ada", "x")
    monkeypatch.setattr(time_limit, "_STEPS", 1)  # looks at the clock at each step
    monkeypatch.setattr(database_of(v), "statement_seconds", -1)
    with pytest.raises(StoreUnavailable, match="interrupted") as ended:
        v.report()
    assert ended.value.reason == "it takes too long to respond"
    monkeypatch.setattr(database_of(v), "statement_seconds", 3_600)
    assert v.report().total == 1
