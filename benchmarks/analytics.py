"""`GET /analytics` over HTTP at 10,000 and at 10,000,000 events: the same, since it reads summaries only.

    python benchmarks/analytics.py [FILE.json]

Fills both databases by `vigility seed` (ten million events take a minute or two), then serves each in turn.
Latencies are of one connection, rates of 64, by `wrk`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

from http_load import CORES, load, serving
from measuring import compared, in_turn, json_file_argument, show
from vigility.core.demo import PASSWORD
from workers import authorized

ROUNDS = 5
SECONDS = 3
SIZES = (10_000, 10_000_000)
QUERY = "/analytics?feature=date_filter&gender=Female"


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        databases = {f"{size:,} events": _seeded(Path(folder), size) for size in SIZES}
        reference = next(iter(databases))
        for title, connections, unit in (("p50, one connection", 1, "ms"), ("64 connections", 64, "req/s")):
            actions = {name: _measure(url, connections) for name, url in databases.items()}
            figures = compared(in_turn(actions, ROUNDS), reference, unit)
            show(f"GET /analytics, {title}", figures, json_file_argument())


def _seeded(folder: Path, events: int) -> str:
    url = f"sqlite:///{folder}/{events}.db"
    seed = ["seed", "--yes", "--random-seed", "1", "--users", "100", "--events", str(events)]
    command = [sys.executable, "-m", "vigility", "--database", url, *seed]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return url


def _measure(url: str, connections: int) -> Callable[[], float]:
    return partial(_run, url, connections)


def _run(url: str, connections: int) -> float:
    serve = ["serve", "--port", "{port}", "--workers", str(CORES)]
    command = [sys.executable, "-m", "vigility", "--database", url, *serve]
    settings = {"VIGILITY_RATE_LIMIT": "off", "VIGILITY_ACCESS_LOG": "off"}
    with serving(command, settings, "/health") as server:
        found = load(server.base + QUERY, SECONDS, connections, authorized("GET", _logged_in(server.base)))
    return found.p50 if connections == 1 else found.per_second


def _logged_in(base: str) -> str:
    login = json.dumps({"username": "user1", "password": PASSWORD}).encode()
    request = urllib.request.Request(f"{base}/login", login, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["token"])


if __name__ == "__main__":
    main()
