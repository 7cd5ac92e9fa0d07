"""Events over HTTP, each durable before it is answered, with the load's generator on the same two cores.

    python benchmarks/ingest.py [FILE.json]

Single `POST /track` at 64 and at 256 connections, and `POST /track/batch` of 1,000 events; beside the
same server's `GET /me`, which checks the token as they do but stores nothing. What was answered is compared
with what is counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import vigility
from http_load import CORES, Load, load, serving
from measuring import compared, in_turn, json_file_argument, show
from vigility.core.demo import PASSWORD

ROUNDS = 3
SECONDS = 10
BATCH = 1_000


def main() -> None:
    """Print rates, latencies, and what was stored."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "ingest.db"
        program = [sys.executable, "-m", "vigility", "--database", f"sqlite:///{database}"]
        subprocess.run([*program, "seed", "--events", "0"], check=True, stdout=subprocess.DEVNULL)
        serve = [*program, "serve", "--port", "{port}", "--workers", str(CORES)]
        with serving(
            serve, {"VIGILITY_RATE_LIMIT": "off", "VIGILITY_ACCESS_LOG": "off"}, "/health"
        ) as running:
            answered = measured(running.base)
        with vigility.connect(str(database)) as v:
            print(f"\n  {answered:,} events were answered, {v.report().total:,} are counted")


def measured(base: str) -> int:
    """Measure all in turn; return how many events were answered."""
    token = logged_in(base)
    single = request("POST", token, '{"feature_name": "date_filter"}')
    events = [{"feature_name": "date_filter"}] * BATCH
    batch = request("POST", token, json.dumps({"events": events}))
    runs: list[tuple[int, Load]] = []

    def rate(path: str, connections: int, script: str, events_each: int) -> float:
        found = load(base + path, SECONDS, connections, script)
        runs.append((events_each, found))
        each = max(events_each, 1)
        took = f"p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms, refused {found.refused}"
        print(f"  {path} at {connections} connections: {took}")
        return found.per_second * each

    figures = in_turn(
        {
            "GET /me, 64 connections": lambda: rate("/me", 64, request("GET", token), 0),
            "POST /track, 64 connections": lambda: rate("/track", 64, single, 1),
            "POST /track, 256 connections": lambda: rate("/track", 256, single, 1),
            "POST /track/batch, 1,000 each": lambda: rate("/track/batch", 8, batch, BATCH),
        },
        ROUNDS,
    )
    show("Ingest over HTTP", compared(figures, "GET /me, 64 connections", "/s"), json_file_argument())
    return sum(round(found.per_second * SECONDS) * each for each, found in runs)


def logged_in(base: str) -> str:
    """A token."""
    body = json.dumps({"username": "user1", "password": PASSWORD}).encode()
    asked = urllib.request.Request(f"{base}/login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked) as answer:
        return str(json.load(answer)["token"])


def request(method: str, token: str, body: str = "") -> str:
    """What wrk sends."""
    return f"""
wrk.method = "{method}"
wrk.body = [[{body}]]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {token}"
"""


if __name__ == "__main__":
    main()
