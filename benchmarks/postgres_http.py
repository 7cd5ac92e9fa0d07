"""Events over HTTP on PostgreSQL, each durable before it is acknowledged; all on the same two cores.

    python benchmarks/postgres_http.py [FILE.json]

PostgreSQL (fsync, synchronous_commit on), two workers of gunicorn, and `wrk`. Single `POST /track`, and
`POST /track/batch` of 1,000 events; beside the same server's `GET /me`, which stores nothing, and beside bare
psycopg, one connection, which writes ready rows to the same tables: COPY of 1,000 a transaction, INSERT of
one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial

import psycopg

import vigility
from http_load import CORES, Load, load, serving
from ingest import logged_in, request
from measuring import compared, in_turn, json_file_argument, show
from postgres import Rows, bare, copied, drawn, inserted, prepared, rate
from postgres_server import database, postgres

ROUNDS = 3
SECONDS = 4
BATCH = 1_000
SETTINGS = {"VIGILITY_RATE_LIMIT": "off", "VIGILITY_ACCESS_LOG": "off", "JWT_SECRET": "s" * 64}


def main() -> None:
    """Print rates and latencies, and compare what was acknowledged with what is counted."""
    with postgres() as server, database(server, "bench") as url, database(server, "bare") as other:
        references = bare_writes(other)
        program = [sys.executable, "-m", "vigility", "--database", url]
        subprocess.run([*program, "seed", "--events", "0"], check=True, stdout=subprocess.DEVNULL)
        serve = [*program, "serve", "--port", "{port}", "--workers", str(CORES)]
        with serving(serve, SETTINGS, "/health") as running:
            measure(running.base, references)
        with vigility.connect(url) as v:
            print(f"\n  {v.report().total:,} events are counted")


def bare_writes(url: str) -> dict[str, Callable[[], float]]:
    """What bare psycopg writes a second, into a database of its own."""
    rows = prepared(url, drawn())

    def writes(count: int, size: int, write: Callable[[psycopg.Cursor[object], Rows], None]) -> float:
        return rate(url, count, partial(bare, url, rows[:count], size, write))

    return {
        "bare COPY, 1,000 a transaction": partial(writes, 100 * BATCH, BATCH, copied),
        "bare INSERT, one a transaction": partial(writes, 4_000, 1, inserted),
    }


def measure(base: str, references: Mapping[str, Callable[[], float]]) -> None:
    """Each in turn."""
    token = logged_in(base)
    events = json.dumps({"events": [{"feature_name": "date_filter"}] * BATCH})
    single = request("POST", token, '{"feature_name": "date_filter"}')
    asked = {
        "GET /me, 64 connections": ("/me", 64, request("GET", token), 1),
        "POST /track, 64 connections": ("/track", 64, single, 1),
        "POST /track, 256 connections": ("/track", 256, single, 1),
        "POST /track/batch, 1,000 each": ("/track/batch", 8, request("POST", token, events), BATCH),
    }
    found: dict[str, list[Load]] = {name: [] for name in asked}

    def acknowledged(name: str) -> float:
        path, connections, script, each = asked[name]
        found[name].append(load(base + path, SECONDS, connections, script))
        return found[name][-1].per_second * each

    measured = in_turn({**{name: partial(acknowledged, name) for name in asked}, **references}, ROUNDS)
    title = "Ingest over HTTP on PostgreSQL"
    show(title, compared(measured, "GET /me, 64 connections", "/s"), json_file_argument())
    for name, loads in found.items():
        middle = sorted(loads, key=lambda one: one.p50)[len(loads) // 2]
        refused = sum(one.refused for one in loads)
        print(f"  {name}: p50 {middle.p50:.1f} ms, p99 {middle.p99:.1f} ms, refused {refused}")


if __name__ == "__main__":
    main()
