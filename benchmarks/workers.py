"""Which of gunicorn's workers serves most: threads, its own ASGI worker, or uvicorn's.

    python benchmarks/workers.py [FILE.json]

A Falcon "hello" that reads and writes JSON, then vigility's own `POST /track` and `GET /analytics`, under
each kind of worker in turn; two workers, 64 connections. Needs `wrk`.
Of the two figures the processor time is the steadier one where the machine has other work.
"""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from http_load import CORES, Running, load, serving
from measuring import compared, json_file_argument, show

ROUNDS = 5
SECONDS = 3
HELLO = """
wrk.method = "POST"
wrk.body = '{"name": "ada"}'
wrk.headers["Content-Type"] = "application/json"
"""
GUNICORN = [
    sys.executable,
    "-m",
    "gunicorn",
    "-b",
    "127.0.0.1:{port}",
    "-w",
    str(CORES),
    "--no-control-socket",
]
HERE = Path(__file__).parent
WORKERS = {
    "gthread, 8 threads": ["-k", "gthread", "--threads", "8", "hello_apps:wsgi"],
    "asgi (gunicorn's)": ["-k", "asgi", "hello_apps:asgi"],
    "uvicorn_worker": ["-k", "uvicorn_worker.UvicornWorker", "hello_apps:asgi"],
    "vigility's": ["-k", "vigility.web.server.worker.Worker", "hello_apps:asgi"],
}
OURS = {
    "asgi (gunicorn's)": ["-k", "asgi", "vigility.web.server.asgi:app"],
    "vigility's": ["-k", "vigility.web.server.worker.Worker", "vigility.web.server.asgi:app"],
}


RequestMetrics = tuple[float, float]
"""Answers a second, and µs of processor time the workers used for one."""


def main() -> None:
    """Print the tables."""
    hello = {name: partial(_hello, [*GUNICORN, *rest]) for name, rest in WORKERS.items()}
    _compare("hello", hello, "gthread, 8 threads")
    for route in ("POST /track", "GET /analytics"):
        ours = {name: partial(_vigility, [*GUNICORN, *rest], route) for name, rest in OURS.items()}
        _compare(route, ours, "asgi (gunicorn's)")


def _compare(title: str, actions: Mapping[str, Callable[[], RequestMetrics]], reference: str) -> None:
    measured: dict[str, list[RequestMetrics]] = {name: [] for name in actions}
    for _ in range(ROUNDS):
        for name, action in actions.items():
            measured[name].append(action())
    for index, unit in enumerate(("req/s", "CPU µs")):
        column = {name: [values[index] for values in rounds] for name, rounds in measured.items()}
        show(f"{title}: {unit} of a request", compared(column, reference, unit), json_file_argument())


def _hello(command: list[str]) -> RequestMetrics:
    with serving(command, {}, "/", HERE) as server:
        return _loaded(server, "/hello", HELLO)


def _vigility(command: list[str], route: str) -> RequestMetrics:
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "VIGILITY_RATE_LIMIT": "off",
            "VIGILITY_ACCESS_LOG": "off",
        }
        with serving(command, settings, "/health") as server:
            method, path = route.split()
            return _loaded(server, path, authorized(method, registered(server.base)))


def _loaded(server: Running, path: str, script: str) -> RequestMetrics:
    before = server.cpu_seconds()
    found = load(server.base + path, SECONDS, script=script)
    return found.per_second, 1e6 * (server.cpu_seconds() - before) / found.responses


def registered(base: str) -> str:
    """The token of a new user."""
    user = {"username": "bench", "password": "a long password", "age": 30, "gender": "Other"}
    request = urllib.request.Request(
        f"{base}/register", json.dumps(user).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        return str(json.load(response)["token"])


def authorized(method: str, token: str) -> str:
    """A script for `wrk` that sends the token and, with POST, the use of a feature."""
    lines = [f'wrk.method = "{method}"', f'wrk.headers["Authorization"] = "Bearer {token}"']
    if method == "POST":
        lines += [
            'wrk.headers["Content-Type"] = "application/json"',
            """wrk.body = '{"feature_name": "date_filter"}'""",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
