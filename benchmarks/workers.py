"""Which of gunicorn's workers serves most: threads, its own ASGI worker, or uvicorn's.

    python benchmarks/workers.py [FILE.json]

A Falcon "hello" that reads and answers JSON, then vigility's own `POST /track` and `GET /analytics`, under each
kind of worker in turn; two workers, 64 connections. Needs `wrk`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

from http_load import CORES, load, serving
from measuring import compared, in_turn, json_file_argument, show

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
    "vigility's": ["-k", "vigility.web.worker.Worker", "hello_apps:asgi"],
}
OURS = {
    "asgi (gunicorn's)": ["-k", "asgi", "vigility.web.asgi:app"],
    "vigility's": ["-k", "vigility.web.worker.Worker", "vigility.web.asgi:app"],
}


def main() -> None:
    """Print the tables."""
    hello = {name: _hello([*GUNICORN, *rest]) for name, rest in WORKERS.items()}
    measured = in_turn(hello, ROUNDS)
    show("hello", compared(measured, "gthread, 8 threads", "req/s"), json_file_argument())
    for route in ("POST /track", "GET /analytics"):
        ours = {name: _vigility([*GUNICORN, *rest], route) for name, rest in OURS.items()}
        measured = in_turn(ours, ROUNDS)
        show(route, compared(measured, "asgi (gunicorn's)", "req/s"), json_file_argument())


def _hello(command: list[str]) -> Callable[[], float]:
    def run() -> float:
        with serving(command, {}, "/", HERE) as base:
            return load(f"{base}/hello", SECONDS, script=HELLO).per_second

    return run


def _vigility(command: list[str], route: str) -> Callable[[], float]:
    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            settings = {
                "DATABASE_URL": f"sqlite:///{folder}/bench.db",
                "VIGILITY_RATE_LIMIT": "off",
                "VIGILITY_ACCESS_LOG": "off",
            }
            with serving(command, settings, "/health") as base:
                method, path = route.split()
                script = authorized(method, registered(base))
                return load(base + path, SECONDS, script=script).per_second

    return run


def registered(base: str) -> str:
    """The token of a new user."""
    user = {"username": "bench", "password": "a long password", "age": 30, "gender": "Other"}
    request = urllib.request.Request(
        f"{base}/register", json.dumps(user).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["token"])


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
