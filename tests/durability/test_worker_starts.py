"""A worker that cannot start does not end the server: it responds with 503, and comes back by itself."""

import os
import re
import shutil
import signal
import sqlite3
import stat
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from support import postgres
from support.durability.serving import Site
from support.web_server import wait_until

pytestmark = [pytest.mark.server, pytest.mark.slow]  # starts servers, and waits until workers try again

CANNOT = "this worker cannot start yet"
GUNICORN = [sys.executable, "-m", "gunicorn", "-c", "python:vigility.web.server.gunicorn_conf"]
GUNICORN += ["vigility.web.server.asgi:app"]
EVENT = {"feature_name": "x"}


def sent(site, method, path, *request):
    """(status, content) of a request over a new connection."""
    with site.server.connect() as connection:
        return connection.send(method, path, *request)


def kill_all_workers(site):
    """kill -9 each worker, and return when new ones have begun to start."""
    old = site.server.worker_ids
    for worker in old:
        os.kill(worker, signal.SIGKILL)
    return old


def reload(site):
    site.server.process.send_signal(signal.SIGHUP)
    return site.server.worker_ids


def check_outage_and_recovery(site, replace_workers, cause, reason, *, has_settings=True):
    """All workers are replaced while something keeps the new ones from starting."""
    user = site.server.register()
    with cause:
        old = replace_workers(site)
        site.server.wait_for_line(CANNOT, site.server.workers)
        for worker in old:
            wait_until(lambda pid=worker: pid not in site.server.worker_ids)
        for method, path, *request in [
            ("GET", "/health"),
            ("POST", "/track", EVENT, user),
            ("POST", "/login", {}),
            ("GET", "/analytics", None, user),
            ("GET", "/"),
        ]:
            status, content = sent(site, method, path, *request)
            assert (status, list(content)) == (503, ["error"]), path
            assert reason in content["error"]
            assert str(site.folder) not in content["error"]
        # Without settings nobody knows whether the metrics need a token.
        assert sent(site, "GET", "/metrics")[0] == (200 if has_settings else 503)
    new = site.server.worker_ids
    for _ in range(2 * site.server.workers):  # every worker has come back, whichever the connection goes to
        wait_until(lambda: sent(site, "GET", "/health") == (200, {"status": "ok"}))
    site.server.wait_for_line("this worker could not start before; now it has", site.server.workers)
    with site.server.connect() as connection:  # twice, so that the fast path is taken too
        assert connection.send("POST", "/track", EVENT, user)[0] == 201
        assert connection.send("POST", "/track", EVENT, user)[0] == 201
    assert site.server.worker_ids == new, "nothing may have to be restarted"
    assert "Worker failed to boot" not in site.server.output
    assert "Traceback" not in site.server.output
    assert site.stop() == 0


@contextmanager
def newer_schema(database):
    """The database looks as if a newer version of vigility had upgraded it."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        ((revision,),) = connection.execute("SELECT version_num FROM vigility_schema").fetchall()
        connection.execute("UPDATE vigility_schema SET version_num = '9999'")
        yield
        connection.execute("UPDATE vigility_schema SET version_num = ?", (revision,))


@pytest.mark.parametrize("replace_workers", [kill_all_workers, reload])
@pytest.mark.parametrize("command", [None, GUNICORN], ids=["vigility serve", "gunicorn -c"])
def test_a_newer_schema(tmp_path, replace_workers, command):
    with Site(tmp_path, command=command) as site:
        cause = newer_schema(site.database)
        check_outage_and_recovery(site, replace_workers, cause, "its schema does not fit this version")


@contextmanager
def moved_away(database):
    """The database is not where it was. A new one in its place would take events that nobody finds again."""
    files = [database.with_name(database.name + end) for end in ("", "-wal", "-shm", "-lock")]
    aside = database.with_name("aside")
    aside.mkdir()
    for file in filter(Path.exists, files):
        file.rename(aside / file.name)
    yield
    assert not database.exists()
    for file in aside.iterdir():
        file.rename(database.with_name(file.name))


@pytest.mark.parametrize("replace_workers", [kill_all_workers, reload])
@pytest.mark.parametrize("command", [None, GUNICORN], ids=["vigility serve", "gunicorn -c"])
def test_a_file_that_is_gone(tmp_path, replace_workers, command):
    with Site(tmp_path, command=command) as site:
        cause = moved_away(site.database)
        check_outage_and_recovery(site, replace_workers, cause, "The database is unavailable: ")


@contextmanager
def unreadable_secret(secret):
    """Everybody may read the secret, so it is refused."""
    mode = stat.S_IMODE(secret.stat().st_mode)
    secret.chmod(0o644)
    yield
    secret.chmod(mode)


def test_a_secret_that_is_refused(tmp_path):
    with Site(tmp_path) as site:
        cause = unreadable_secret(tmp_path / "usage.db-secret")
        check_outage_and_recovery(site, reload, cause, "The database is unavailable: ")


@contextmanager
def invalid_setting(file):
    file.write_text("VIGILITY_BCRYPT_ROUNDS=many\n")
    yield
    file.unlink()


def test_settings_that_are_no_longer_valid(tmp_path):
    """gunicorn's own command reads them when a worker starts."""
    with Site(tmp_path, command=GUNICORN, VIGILITY_BCRYPT_ROUNDS="") as site:
        cause = invalid_setting(tmp_path / ".env")
        reason = "it could not be opened, and the log says why"
        check_outage_and_recovery(site, reload, cause, reason, has_settings=False)
        assert re.search(r"VIGILITY_BCRYPT_ROUNDS .*must be a whole number", site.server.output)


@pytest.fixture
def database():
    """A PostgreSQL server for this test only."""
    if postgres.programs_folder() is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    server = postgres.Postgres(postgres.make_short_folder()).start()
    yield server
    server.stop(signal.SIGQUIT)
    shutil.rmtree(server.folder)


@contextmanager
def stopped(database):
    database.stop(signal.SIGQUIT)
    yield
    database.start()


@contextmanager
def no_connections(database):
    """Nobody may connect any more: for vigility that is as if all connections were in use."""
    postgres.sql(database.url("template1"), "ALTER DATABASE postgres CONNECTION LIMIT 0")
    postgres.sql(
        database.url("template1"),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'",
    )
    yield
    postgres.sql(database.url("template1"), "ALTER DATABASE postgres CONNECTION LIMIT -1")


@pytest.mark.postgres
@pytest.mark.parametrize("replace_workers", [kill_all_workers, reload])
@pytest.mark.parametrize("cause", [stopped, no_connections])
def test_postgresql_is_away(tmp_path, database, replace_workers, cause):
    postgres.sql(database.url(), "CREATE ROLE served LOGIN")
    postgres.sql(database.url(), "GRANT ALL ON SCHEMA public TO served")
    url = re.sub("//[^@]*@", "//served@", database.url())  # not a superuser, whom no limit binds
    with Site(tmp_path, DATABASE_URL=url, JWT_SECRET="s" * 64) as site:
        check_outage_and_recovery(site, replace_workers, cause(database), "The database is unavailable: ")
