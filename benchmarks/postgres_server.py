"""A PostgreSQL to measure: Debian's, started in a temporary directory, durable as by default."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from http_load import free_port

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "max_connections": "60",
}


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server; give the URL of its first database. Stopped and deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    port = free_port()
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    _run(["initdb", "-D", str(folder / "data"), "-U", "vigility", "--auth=trust", "--encoding=UTF8"])
    chosen = SETTINGS | {"port": str(port), "unix_socket_directories": str(folder)}
    settings = [f"-c{name}={value}" for name, value in chosen.items()]
    with (folder / "log").open("w") as log:
        server = _start(["postgres", "-D", str(folder / "data"), *settings], log)
        try:
            url = f"postgresql://vigility@127.0.0.1:{port}/postgres"
            _wait_for(url)
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)
            shutil.rmtree(folder)


@contextmanager
def database(server: str, name: str) -> Iterator[str]:
    """A new database on the server; its URL. Dropped at the end."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
    yield server.removesuffix("/postgres") + f"/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def version(server: str) -> str:
    """What the server says it is."""
    with psycopg.connect(server) as connection:
        return str(connection.info.server_version)


def _programs() -> Path:
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return found[-1] if found else sys.exit("this benchmark needs PostgreSQL: apt-get install postgresql")


def _run(command: list[str]) -> None:
    process = _start(command, subprocess.DEVNULL)
    if process.wait() != 0:
        sys.exit(f"{command[0]} failed")


def _start(command: list[str], output: object) -> subprocess.Popen[bytes]:
    command = [str(_programs() / command[0]), *command[1:]]
    stdout = output if isinstance(output, int) else output.fileno()  # type: ignore[attr-defined]
    if os.geteuid() != 0:
        return subprocess.Popen(command, stdout=stdout, stderr=subprocess.STDOUT, cwd="/")
    return subprocess.Popen(  # PostgreSQL refuses to run as root
        command, stdout=stdout, stderr=subprocess.STDOUT, cwd="/", user="nobody", group="nogroup"
    )


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    sys.exit("PostgreSQL did not start")
