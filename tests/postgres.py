"""A real PostgreSQL for the tests: one server a process, a database for each who asks.

It is Debian's (`apt-get install postgresql`), started in a temporary directory; or, with
VIGILITY_TEST_POSTGRES_URL, a server that runs already and whose user may create databases.
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
from web_server import PATIENCE, free_port

GIVEN = os.environ.get("VIGILITY_TEST_POSTGRES_URL")  # noqa: TID251
TEMPLATE = f"vigility_empty_{uuid.uuid4().hex[:8]}"
QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""For tests of answers, not of durability."""

_numbers = itertools.count()
_at_end = []


def programs():
    """Where `initdb` and `postgres` are; None where PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    return Path(on_path).resolve().parent if on_path else found[-1] if found else None


class Postgres:
    """A server of its own, which can be stopped and started."""

    def __init__(self, folder, **settings):
        self.folder = Path(folder)
        self.port = free_port()
        self._settings = {"max_connections": "60", "shared_buffers": "64MB", **settings}
        # PostgreSQL refuses to run as root.
        self._user = {"user": "nobody", "group": "nogroup", "extra_groups": ()} if os.geteuid() == 0 else {}
        if self._user:
            shutil.chown(folder, "nobody", "nogroup")
        # A locale that sorts as people do, so that whoever leaves an order to the database is found out.
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
            [programs() / "postgres", "-D", self.data, *settings],
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
        """By default a fast shutdown; SIGQUIT is an immediate one: the next start has to recover."""
        self._process.send_signal(how)
        self._process.wait(PATIENCE)
        self._log.close()

    def url(self, database="postgres"):
        return f"postgresql://vigility@127.0.0.1:{self.port}/{database}"

    def _wait_until_ready(self):
        for _ in range(PATIENCE * 20):
            if self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), check=False) == 0:
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        raise AssertionError((self.folder / "log").read_text())

    def _run(self, program, *arguments, check=True):
        command = [programs() / program, *map(str, arguments)]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd="/", env={"LC_ALL": "C"}, **self._user
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.returncode


def short_folder():
    """A folder whose path a socket's name can hold."""
    return Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))


@functools.cache
def shared_server():
    """The URL of a database of the server that the tests of this process share."""
    if GIVEN:
        return GIVEN
    if programs() is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    server = Postgres(short_folder(), **QUICK).start()
    _at_end.append(lambda: shutil.rmtree(server.folder))
    _at_end.append(lambda: server.stop(signal.SIGQUIT))
    return server.url()


def clean_up():
    """Called when all tests of this process are done."""
    while _at_end:
        _at_end.pop()()


def named(url, database):
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def sql(url, statement):
    """The rows of one statement, in a transaction of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


def bare_database():
    """The URL of a new database without any tables."""
    return created("template0 ENCODING 'UTF8'")


def empty_database():
    """The URL of a new database with vigility's tables, which are empty."""
    return created(_template())


@contextmanager
def temporary_database():
    """As `empty_database`; dropped at the end."""
    url = empty_database()
    try:
        yield url
    finally:
        drop(url)


def drop(url):
    database = urlsplit(url).path[1:]
    sql(shared_server(), f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def created(template):
    name = f"vigility_test_{os.getpid()}_{next(_numbers)}"
    sql(shared_server(), f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return named(shared_server(), name)


@functools.cache
def _template():
    sql(shared_server(), f"CREATE DATABASE {TEMPLATE} TEMPLATE template0 ENCODING 'UTF8'")
    _at_end.append(lambda: drop(named(shared_server(), TEMPLATE)))
    vigility.connect(named(shared_server(), TEMPLATE)).close()
    return TEMPLATE
