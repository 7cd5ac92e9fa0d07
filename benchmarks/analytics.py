"""`GET /analytics` over HTTP by the number of stored events: the same, since it reads summaries only.

    python benchmarks/analytics.py [FILE.json] [--events 10000 10000000] [--folder FOLDER]

Fills the databases by `vigility seed` (ten million events take a minute or two), then serves each in turn.
Latencies are of one connection, rates of 64, by `wrk`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

from http_load import CORES, load, serving
from measuring import compared, in_turn, show
from seeding import options_of, seeded
from vigility.core.demo import PASSWORD
from workers import authorized

ROUNDS = 5
SECONDS = 3
SIZES = (10_000, 10_000_000)
QUERY = "/analytics?feature=date_filter&gender=Female"


def main() -> None:
    """Print the tables."""
    options = options_of(SIZES)
    with tempfile.TemporaryDirectory() as folder:
        databases = {
            f"{size:,} events": f"sqlite:///{seeded(options.folder or Path(folder), size)}"
            for size in options.events
        }
        reference = next(iter(databases))
        for title, connections, unit in (("p50, one connection", 1, "ms"), ("64 connections", 64, "req/s")):
            actions = {name: _measure(url, connections) for name, url in databases.items()}
            figures = compared(in_turn(actions, ROUNDS), reference, unit)
            show(f"GET /analytics, {title}", figures, options.file)


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
    with urllib.request.urlopen(request) as response:
        return str(json.load(response)["token"])


if __name__ == "__main__":
    main()
