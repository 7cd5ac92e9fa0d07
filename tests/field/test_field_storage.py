"""Files, permissions and damage as they happen to people's databases.

Comments say the item of issue 11 and the number of the input among those found in the field. The details are
tested in tests/adapters: test_sqlite_files.py, test_sqlite_permissions.py, test_damage.py, test_file_lock.py.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

import vigility
from support.reports import totals
from support.web_server import running, wait_until
from vigility.auth.secrets import kept_secret

HIDDEN = "et-Pass"


def responses(server, headers, count=10):
    """What requests on new connections, and so on all workers, get from /track and /health."""
    seen = set()
    for _ in range(count):
        with server.connect() as connection:
            status, body = connection.send("POST", "/track", {"feature_name": "zoom"}, headers)
            seen.add((status, body.get("error")))
        with server.connect() as connection:
            status, body = connection.send("GET", "/health")
            seen.add((status, body.get("error")))
    return seen


# Item 6, input 07.


@pytest.mark.server
def test_a_server_whose_file_is_gone_refuses_everything_until_it_is_back(tmp_path):
    names = ("usage.db", "usage.db-wal", "usage.db-shm")
    with running(tmp_path) as server:
        headers = server.register()
        before = responses(server, headers, 5)
        assert {status for status, _ in before} == {200, 201}
        for name in names:
            (tmp_path / name).rename(tmp_path / f"{name}.away")
        reason = "The database is unavailable: its file was removed or replaced; try again shortly"
        assert responses(server, headers) == {(503, reason)}

        worker = server.worker_ids[0]
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: len(set(server.worker_ids) - {worker}) == server.workers)
        server.wait_for_line("this worker cannot start yet")
        assert {status for status, _ in responses(server, headers)} == {503}
        assert not (tmp_path / "usage.db").exists(), "a new worker must not make a new file"

        for name in names:
            (tmp_path / f"{name}.away").rename(tmp_path / name)
        wait_until(lambda: {status for status, _ in responses(server, headers, 5)} == {200, 201})
    with vigility.connect(f"{tmp_path}/usage.db") as v:
        assert totals(v.report())["zoom"] >= 10, "what was acknowledged is still there"
        assert v.maintenance.verify_rollups() == []


@pytest.mark.server
def test_a_restored_backup_is_served_after_a_restart(tmp_path):
    path = tmp_path / "usage.db"
    with running(tmp_path) as server:
        headers = server.register()
        responses(server, headers, 1)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM INTO ?", [f"{tmp_path}/backup.db"])
        responses(server, headers, 1)
        (tmp_path / "backup.db").replace(path)
        assert {status for status, _ in responses(server, headers)} == {503}
    with running(tmp_path) as server:
        assert {status for status, _ in responses(server, headers, 1)} == {200, 201}
    with vigility.connect(str(path)) as v:
        assert totals(v.report()) == {"zoom": 2}


# Item 9, input 03; item 29.


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:s3cr/et-Pass@db.example:5432/usage",
        "postgresql://app:1234/et-Pass@db.example:5432/usage",
        "postgresql://app:1234@et-Pass@db.example/usage",
        "postgresql://app:12%et-Pass@db.example/usage",
        "postgresql://app:s3cr et-Pass@db.example/usage",
        "postgresql:app:et-Pass@db.example/usage",
        "mysql://app:et-Pass@db.example/usage",
        "app:et-Pass@db.example/usage",
        "file://app:et-Pass@db.example/usage",
        "host=db.example password=et-Pass",
        "Server=db.example;Password=et-Pass",
    ],
)
@pytest.mark.parametrize("command", [["users", "list"], ["db", "check"], ["serve"]], ids=" ".join)
def test_a_password_in_a_database_url_is_never_shown_and_makes_no_file(tmp_path, url, command):
    done = subprocess.run(
        [sys.executable, "-m", "vigility", "--database", url, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("vigility: ")
    assert HIDDEN not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["postgres://app:1234#et-Pass@[::1]:1/u", "postgresql://app:1234?et-Pass@[::1]:1/u"]
)
def test_a_password_that_libpq_takes_without_encoding_is_never_shown(tmp_path, url):
    done = subprocess.run(
        [sys.executable, "-m", "vigility", "--database", url, "users", "list"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("vigility: postgresql://")
    assert HIDDEN not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


# Item 17, input 14: see also tests/adapters/test_sqlite_permissions.py.


def test_the_secret_of_a_kubernetes_volume_is_taken(tmp_path, caplog):
    secret = kept_secret(tmp_path / "usage.db-secret")
    (tmp_path / "usage.db-secret").chmod(0o660)
    assert kept_secret(tmp_path / "usage.db-secret") == secret
    assert "may read this secret" in caplog.text


# Item 18.


def test_a_forked_child_does_not_open_a_closed_database_again(tmp_path):
    v = vigility.connect(f"{tmp_path}/usage.db")
    v.users.add_without_password("ada", 36, "Female")
    v.close()
    child = os.fork()
    if child == 0:
        try:
            v.track("ada", "zoom")
        except vigility.StoreUnavailable as error:
            os._exit("closed" not in str(error))
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# Item 28.


@pytest.mark.server
def test_all_files_of_a_server_are_readable_by_their_owner_only(tmp_path):
    before = os.umask(0o022)
    try:
        with running(tmp_path) as server:
            responses(server, server.register(), 1)
            modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("usage.db*")}
    finally:
        os.umask(before)
    names = ["usage.db", "usage.db-lock", "usage.db-secret", "usage.db-shm", "usage.db-wal"]
    assert modes == dict.fromkeys(names, 0o600)


# Item 32: see also tests/adapters/test_damage.py.


def test_damage_is_found_and_named(with_users):
    with_users.done("track", "zoom", "--user", "ada")
    content = bytearray(with_users.database.read_bytes())
    content[content.index(b"zoom")] ^= 1  # in the table or its index: they no longer agree
    with_users.database.write_bytes(content)
    outcome = with_users("db", "check", "--integrity")
    assert outcome.code == 5
    assert "vigility_features" in outcome.out
