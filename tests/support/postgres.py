"""A real PostgreSQL for the tests: one server per process, one database per test that asks for one.

The server is Debian's (`apt-get install postgresql`), started in a temporary directory. With
VIGILITY_TEST_POSTGRES_URL the tests use a running server instead, whose user may create databases.
"""

import functools
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

import vigility
from support.web_server import TIMEOUT, free_port

EXTERNAL_URL = os.environ.get("VIGILITY_TEST_POSTGRES_URL")  # noqa: TID251
TEMPLATE = f"vigility_empty_{uuid.uuid4().hex[:8]}"
FAST_SETTINGS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""For tests of results, not of durability."""

PARAM = pytest.param("postgres", marks=pytest.mark.postgres)
"""The parameter of a test that runs over several storage backends."""

_numbers = itertools.count()
_at_end = []


def programs_folder():
    """The folder of `initdb` and `postgres`, or None if PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    return Path(on_path).resolve().parent if on_path else found[-1] if found else None


class Postgres:
    """A separate server, which can be stopped and started."""

    def __init__(self, folder, **settings):
        self.folder = Path(folder)
        self.port = free_port()
        self._settings = {"max_connections": "60", "shared_buffers": "64MB", **settings}
        # PostgreSQL refuses to run as root.
        self._user = {"user": "nobody", "group": "nogroup", "extra_groups": ()} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(folder, "nobody", "nogroup")
        # This locale sorts as people do, which reveals queries that leave the order to the database.
        locale = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
        self._run("initdb", "-D", self.data, "-U", "vigility", "--auth=trust", "--no-sync", *locale)

    @property
    def data(self):
        return self.folder / "data"

    def start(self):
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self.folder}
        settings = [f"-c{name}={value}" for name, value in (self._settings | options).items()]
        self._log = (self.folder / "log").open("a")
        self._process = subprocess.Popen(
            [programs_folder() / "postgres", "-D", self.data, *settings],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd="/",
            **self._user,
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop(signal.SIGQUIT)
            raise
        return self

    def stop(self, how=signal.SIGINT):
        """Stop the server: SIGINT is a fast shutdown, SIGQUIT an immediate one, before a recovery."""
        self._process.send_signal(how)
        self._process.wait(TIMEOUT)
        self._log.close()

    def url(self, database="postgres"):
        return f"postgresql://vigility@127.0.0.1:{self.port}/{database}"

    def _wait_until_ready(self):
        for _ in range(TIMEOUT * 20):
            if self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), check=False) == 0:
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        raise AssertionError((self.folder / "log").read_text())

    def _run(self, program, *arguments, check=True):
        command = [programs_folder() / program, *map(str, arguments)]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd="/", env={"LC_ALL": "C"}, **self._user
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.returncode


def make_short_folder():
    """A new folder whose path is short enough for the address of a Unix socket."""
    return Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))


@functools.cache
def shared_server():
    """The URL of a database on the server that the tests of this process share."""
    if EXTERNAL_URL:
        return EXTERNAL_URL
    if programs_folder() is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    server = Postgres(make_short_folder(), **FAST_SETTINGS).start()
    _at_end.append(lambda: shutil.rmtree(server.folder))
    _at_end.append(lambda: server.stop(signal.SIGQUIT))
    return server.url()


def clean_up():
    """Stop the shared server, after the last test of this process."""
    while _at_end:
        _at_end.pop()()


def url_of(url, database):
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def sql(url, statement):
    """Run one statement in its own transaction, and return its rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


def bare_database():
    """The URL of a new database without any tables."""
    return create_database("template0 ENCODING 'UTF8'")


def empty_database():
    """The URL of a new database with vigility's tables, without rows."""
    return create_database(_template())


@contextmanager
def temporary_database():
    """An `empty_database`, dropped at the end."""
    url = empty_database()
    try:
        yield url
    finally:
        drop(url)


def drop(url):
    database = urlsplit(url).path[1:]
    sql(shared_server(), f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def create_database(template):
    """The URL of a new database made from this template, which may be followed by further options."""
    name = f"vigility_test_{os.getpid()}_{next(_numbers)}"
    sql(shared_server(), f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return url_of(shared_server(), name)


@functools.cache
def _template():
    sql(shared_server(), f"CREATE DATABASE {TEMPLATE} TEMPLATE template0 ENCODING 'UTF8'")
    _at_end.append(lambda: drop(url_of(shared_server(), TEMPLATE)))
    vigility.connect(url_of(shared_server(), TEMPLATE)).close()
    return TEMPLATE
