"""The files of an SQLite database, removed or replaced under a running program."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

import vigility
from support.reports import totals
from vigility import StoreUnavailable

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = ("", "-wal", "-shm")
REMOVED = "its file was removed or replaced"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "usage.db"


@pytest.fixture
def v(path):
    path.parent.mkdir()
    with vigility.connect(str(path), clock=lambda: NOW) as opened:
        opened.users.add_without_password("ada", 36, "Female")
        opened.track("ada", "x")
        yield opened


def beside(path, end):
    return path.with_name(path.name + end)


def stored(path):
    with vigility.connect(str(path)) as opened:
        assert opened.maintenance.verify_rollups() == []
        return totals(opened.report()).get("x", 0)


def assert_refused(v, path):
    calls = [lambda: v.track("ada", "x"), v.report, v.maintenance.ping, v.users.all]
    calls.append(lambda: v.register("eve", "a long password", 20, "Other"))
    for call in calls:
        with pytest.raises(StoreUnavailable, match=REMOVED) as refused:
            call()
        assert refused.value.reason == REMOVED
        assert str(refused.value).startswith(f"{path}: ")


@contextmanager
def away(path, ends):
    """Rename the files of the database inside the block."""
    for end in ends:
        beside(path, end).rename(beside(path, f"{end}.away"))
    yield
    for end in ends:
        beside(path, f"{end}.away").rename(beside(path, end))


@pytest.mark.parametrize("ends", [ALL, ("",), ("-wal",), ("-shm",), ("-wal", "-shm")], ids=str)
def test_nothing_is_acknowledged_while_a_file_is_gone_and_all_works_when_it_is_back(v, path, ends):
    with away(path, ends):
        assert_refused(v, f"{path}{ends[0]}")
        assert not any(beside(path, end).exists() for end in ends), "nothing takes its place"
    v.track("ada", "x")
    v.close()
    assert stored(path) == 2


def test_a_removed_folder_is_a_removed_file(v, path):
    path.parent.rename(path.parent.with_name("elsewhere"))
    assert_refused(v, path)
    assert not path.parent.exists()
    path.parent.with_name("elsewhere").rename(path.parent)
    v.track("ada", "x")
    v.close()
    assert stored(path) == 2


def test_another_file_at_the_path_is_not_written_and_not_mixed_with_the_log_of_the_first(v, path, caplog):
    """SQLite would take that log for a part of the other file. Closing would even delete one by its name."""
    backup = path.with_name("backup.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", [str(backup)])
    v.track("ada", "x")  # is in the -wal
    path.rename(path.with_name("first.db"))
    backup.rename(path)
    assert_refused(v, path)
    assert "belongs to the file that was replaced: renamed to" in caplog.text
    with vigility.connect(str(path), clock=lambda: NOW) as other:
        other.track("ada", "x")
        other.track("ada", "x")
        assert_refused(v, path)
        v.close()
        assert totals(other.report()) == {"x": 3}
    assert stored(path) == 3
    (log,) = path.parent.glob("usage.db-wal.of-replaced-file-*")
    log.rename(path.with_name("first.db-wal"))
    assert stored(path.with_name("first.db")) == 2, "what was acknowledged before is where it was"


def test_the_first_file_put_back_is_complete_after_a_restart(v, path, tmp_path):
    v.track("ada", "x")
    path.rename(tmp_path / "first.db")
    path.touch()
    assert_refused(v, path)
    (tmp_path / "first.db").rename(path)
    assert_refused(v, f"{path}-wal")
    v.close()
    assert stored(path) == 2


@pytest.mark.usefixtures("v")
def test_a_link_that_leads_elsewhere_is_a_replaced_file(path, tmp_path):
    """As a deployment does that switches a link from one version's folder to the next."""
    link = tmp_path / "current.db"
    link.symlink_to(path)
    with vigility.connect(str(link), clock=lambda: NOW) as linked:
        linked.track("ada", "x")
        link.unlink()
        link.symlink_to(tmp_path / "next.db")
        vigility.connect(str(link)).close()
        assert_refused(linked, link)
    assert stored(path) == 2


def test_a_removed_log_that_nobody_opened_anew_is_rescued_by_closing(v, path):
    beside(path, "-wal").unlink()
    assert_refused(v, f"{path}-wal")
    v.close()
    assert stored(path) == 1


def test_new_connections_and_a_forked_child_notice_it_too(v, path):
    with away(path, ALL):
        with ThreadPoolExecutor(4) as pool:
            assert {type(pool.submit(v.report).exception()) for _ in range(8)} == {StoreUnavailable}
        child = os.fork()
        if child == 0:
            try:
                v.report()
            except StoreUnavailable as error:
                os._exit(0 if error.reason == REMOVED else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not path.exists(), "a new connection must not make a new file"
