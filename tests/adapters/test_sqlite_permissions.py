"""Who may open the files of an SQLite database, and reading it without the right to write."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

import vigility
from support.durability.outages import prefix_that_obeys_permissions
from support.installations import database_of
from support.reports import totals
from vigility import StoreUnavailable
from vigility.adapters.sql.sqlite import files
from vigility.adapters.sql.sqlite.permissions import open_lock_file

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


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


def modes(path):
    return {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}


@pytest.fixture
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777], indirect=True, ids=oct)
@pytest.mark.usefixtures("umask")
def test_new_files_are_readable_by_their_owner_only(path):
    path.parent.mkdir(mode=0o700)
    path.parent.chmod(0o700)
    with vigility.connect(str(path)) as v:
        v.maintenance.wipe()
        found = modes(path)
    assert found == dict.fromkeys(["usage.db", "usage.db-lock", "usage.db-shm", "usage.db-wal"], 0o600)


@pytest.mark.parametrize(
    ("mode", "lock_mode"), [(0o600, 0o600), (0o640, 0o600), (0o644, 0o600), (0o660, 0o660), (0o664, 0o660)]
)
def test_the_files_beside_the_database_follow_its_mode(v, path, mode, lock_mode):
    """Only those who may write to the database can hold the lock that its writers wait for."""
    v.close()
    path.chmod(mode)
    with vigility.connect(str(path)) as opened:
        opened.track("ada", "x")
        assert modes(path) == {
            "usage.db": mode,
            "usage.db-wal": mode,
            "usage.db-shm": mode,
            "usage.db-lock": lock_mode,
        }
    beside(path, "-lock").unlink()
    with vigility.connect(str(path)) as opened:
        opened.track("ada", "x")
    assert modes(path)["usage.db-lock"] == lock_mode


def test_the_lock_file_is_no_link_to_another_file(tmp_path):
    """In a folder that others may write to, one could lead to a file that nobody else may create."""
    (tmp_path / "usage.db-lock").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match=r"usage\.db-lock"):
        open_lock_file(tmp_path / "usage.db-lock", None)
    assert not (tmp_path / "target").exists()


READ_EVERYTHING = """
import sys, vigility
from vigility.bootstrap import schema_state
assert schema_state(sys.argv[1]).is_current
with vigility.connect(sys.argv[1]) as v:
    assert [user.username for user in v.users.all()] == ["ada"]
    assert v.maintenance.verify_rollups() == []
    print(sum(total.value for total in v.report().totals))
    try:
        v.track("ada", "x")
    except vigility.StoreUnavailable as error:
        print(error, error.reason, sep="\\n")
"""


def obeying_permissions(script, *arguments):
    """Run a script to which file permissions apply, even if root runs the tests. Returns its lines."""
    prefix = prefix_that_obeys_permissions()
    if prefix is None:
        pytest.skip("root ignores file permissions, and setpriv is not installed")
    command = [*prefix, sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@contextmanager
def read_only(path, file_mode, folder_mode):
    path.chmod(file_mode)
    path.parent.chmod(folder_mode)
    yield
    path.parent.chmod(0o700)


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "named"),
    [(0o444, 0o555, ""), (0o444, 0o700, ""), (0o600, 0o555, "-lock")],
    ids=["file and folder", "file", "folder"],
)
def test_what_may_only_be_read_is_read_and_nothing_is_made_beside_it(v, path, file_mode, folder_mode, named):
    """The error names the file that may not be written to: the database, or only its lock file."""
    v.close()
    beside(path, "-lock").unlink()
    with read_only(path, file_mode, folder_mode):
        lines = obeying_permissions(READ_EVERYTHING, path)
        assert lines == ["1", f"{path}{named}: Permission denied", "it cannot be written to"]
        assert [file.name for file in path.parent.iterdir()] == ["usage.db"]


def test_a_running_writer_is_read_through_its_files(v, path):
    v.track("ada", "x")  # is in the -wal
    with read_only(path, 0o444, 0o555):
        assert obeying_permissions(READ_EVERYTHING, path)[0] == "2"
    assert totals(v.report()) == {"x": 2}


def test_a_log_that_needs_a_writer_is_an_error_and_no_wrong_answer(v, path, tmp_path):
    """A copy of the files without the -shm, as of a server that was killed."""
    v.track("ada", "x")
    copy = tmp_path / "copy" / "usage.db"
    copy.parent.mkdir()
    for end in ("", "-wal"):
        shutil.copy(f"{path}{end}", f"{copy}{end}")
    script = "import sys, vigility\ntry: vigility.connect(sys.argv[1]).report()\n"
    script += "except vigility.StoreUnavailable as error: print(error)"
    with read_only(copy, 0o444, 0o555):
        lines = obeying_permissions(script, copy)
    expected = "holds changes that are not in usage.db yet; to read them takes write access to the database"
    assert lines == [f"{copy}-wal: {expected} and its folder"]
    assert stored(copy) == 2


def test_a_file_that_is_read_as_it_is_and_changes_meanwhile_is_an_error(v, path, monkeypatch):
    v.close()
    monkeypatch.setattr(files, "may_write", lambda _: False)  # as if it were another user's
    with vigility.connect(str(path)) as reader:
        with (
            pytest.raises(StoreUnavailable, match="its file changed while it was read: try again"),
            database_of(reader).reading(),
            closing(sqlite3.connect(path)) as writer,
            writer,
        ):
            writer.execute("UPDATE vigility_users SET age = 37")
        assert reader.users.get("ada").age == 37, "the next transaction reads what is there now"


def test_an_unreadable_file_is_named(v, path):
    v.close()
    script = "import sys, vigility\ntry: vigility.connect(sys.argv[1])\n"
    script += "except vigility.StoreUnavailable as error: print(error)"
    with read_only(path, 0o200, 0o700):
        assert obeying_permissions(script, path) == [f"{path}: Permission denied"]


AS_A_GROUP = """
umask 022
as() { user=$1; shift; setpriv --reuid "$user" --regid "$user" --groups 20000 "$@"; }
run() { as "$1" "$PYTHON" -c 'import sys, vigility
with vigility.connect("usage.db") as v:
    if not v.users.all(): v.users.add_without_password("ada", 36, "Female")
    v.track("ada", "x")'; }
chown 12345:20000 .
run 12345
chgrp 20000 usage.db
chmod 660 usage.db
run 12346 && run 12345 && stat -c '%n %a %g' usage.db-lock
"""


@pytest.mark.outside_access
@pytest.mark.parametrize("mode", [0o2775, 0o775], ids=["setgid", "plain"])
def test_a_group_shares_a_database_of_mode_660(mode):
    """Its lock file was made before the group could write, by a user who has logged out since."""
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can run programs as several users, with setpriv")
    other = ["setpriv", "--reuid", "12345", sys.executable, "-c", ""]
    if subprocess.run(other, check=False, capture_output=True).returncode:
        pytest.skip("other users cannot run this Python")
    with tempfile.TemporaryDirectory() as folder:  # pytest's own can be entered by root only
        Path(folder).chmod(mode)
        done = subprocess.run(
            ["sh", "-c", AS_A_GROUP],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("usage.db-lock 660 20000\n", "")
        assert stored(f"{folder}/usage.db") == 3
