"""Events over HTTP, each durable before it is answered, with the load's generator on the same two cores.

    python benchmarks/ingest.py [FILE.json] [--seconds 60] [--rounds 5] [--log-only]

The server has its default settings: each request is a line in the access log, here in a file. What that costs
is measured against the same server without the log; `--log-only` measures nothing else.

Single `POST /track` at 64 and at 256 connections, and `POST /track/batch` of 1,000 events; beside the "hello"
of the same server (gunicorn with vigility's worker) without a framework and with Falcon, and `GET /me`, which
checks the token as they do but stores nothing. First in turn, in short rounds, whose medians are compared.
Then single events are held for longer, with the workers' memory before and after. At the end all that was
answered is compared with what is counted, and the day summaries with the events.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import vigility
from http_load import CORES, Load, Running, load, serving
from measuring import Figure, compared, in_turn, show
from vigility.core.demo import PASSWORD

ROUNDS = 5
SECONDS = 5
BATCH = 1_000
CONNECTIONS = (64, 256)
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Sent:
    """A kind of request: what figures call it, where it goes, what is sent, how many events it holds."""

    name: str
    path: str
    connections: int
    script: str
    events: int


@dataclass
class Server:
    """The vigility that is measured, and what it answered so far."""

    running: Running
    token: str
    answered: int = 0
    unanswered: int = 0
    """At most so many events were sent whose answer `wrk` did not wait for when it stopped."""
    runs: dict[str, list[Load]] = field(default_factory=dict)

    def rate(self, sent: Sent, seconds: int) -> float:
        """Requests a second, or events where each request holds some."""
        found = load(self.running.base + sent.path, seconds, sent.connections, sent.script)
        self.answered += (found.responses - found.refused) * sent.events
        self.unanswered += sent.connections * sent.events
        self.runs.setdefault(sent.name, []).append(found)
        return found.per_second * max(sent.events, 1)

    def single(self, connections: int, seconds: int) -> float:
        """Events a second, one in each request."""
        script = request("POST", self.token, '{"feature_name": "date_filter"}')
        return self.rate(Sent(_single(connections), "/track", connections, script, 1), seconds)

    def general(self) -> float:
        """As `single`, but past the short way: a cookie makes a request unusual."""
        script = request("POST", self.token, '{"feature_name": "date_filter"}')
        script += 'wrk.headers["Cookie"] = "a=b"\n'
        return self.rate(Sent(_GENERAL, "/track", 64, script, 1), SECONDS)

    def batches(self) -> float:
        """Events a second, many in each request."""
        events = [{"feature_name": "date_filter"}] * BATCH
        script = request("POST", self.token, json.dumps({"events": events}))
        return self.rate(Sent(_BATCHES, "/track/batch", 8, script, BATCH), SECONDS)

    def me(self) -> float:
        """Requests a second that store nothing."""
        return self.rate(Sent(_ME, "/me", 64, request("GET", self.token), 0), SECONDS)


_HELLO = "hello, 64 connections"
_GENERAL = "POST /track the general way, 64 connections"
_ME = "GET /me, 64 connections"
_NO_LOG = "POST /track, {} connections, without the log"
_BATCHES = "POST /track/batch, 1,000 events each, 8 connections"


def main() -> None:
    """Print the cost of the log, rates, latencies, memory, and what was stored."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        database, unlogged = Path(folder) / "ingest.db", Path(folder) / "unlogged.db"
        with vigility_on(database) as server, vigility_on(unlogged, VIGILITY_ACCESS_LOG="off") as quiet:
            _compare_log(server, quiet, options)
            if not options.log_only:
                _measure(server, options)
        _check(database, server)
        _check(unlogged, quiet)


def _compare_log(server: Server, quiet: Server, options: argparse.Namespace) -> None:
    """Print the rate with the access log as a share of the rate without it."""
    for count in CONNECTIONS:
        without = _NO_LOG.format(count)
        figures = in_turn(
            {without: _of(quiet, count, SECONDS), _single(count): _of(server, count, SECONDS)}, options.rounds
        )
        show("What the access log costs", compared(figures, without, "/s"), options.file)


def _measure(server: Server, options: argparse.Namespace) -> None:
    """Print rates, latencies and memory beside the same server's "hello"."""
    with hello("bare") as bare, hello("asgi") as falcon:
        figures = in_turn(
            {
                _HELLO: lambda: _hello(bare, 64),
                "hello, 256 connections": lambda: _hello(bare, 256),
                "hello with Falcon, 64 connections": lambda: _hello(falcon, 64),
                _ME: server.me,
                **{_single(count): _of(server, count, SECONDS) for count in CONNECTIONS},
                _GENERAL: server.general,
                _BATCHES: server.batches,
            },
            options.rounds,
        )
        show("Ingest over HTTP", compared(figures, _HELLO, "/s"), options.file)
        _print_latencies(server)
        held = [_held(server, count, options.seconds) for count in CONNECTIONS]
    show(f"Held for {options.seconds} s", [figure for group in held for figure in group], options.file)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?")
    parser.add_argument("--seconds", type=int, default=60, help="how long single events are held")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--log-only", action="store_true", help="measure what the access log costs, and nothing else"
    )
    return parser.parse_args()


def _of(server: Server, connections: int, seconds: int) -> Callable[[], float]:
    return lambda: server.single(connections, seconds)


def _single(connections: int) -> str:
    return f"POST /track, {connections} connections"


def _held(server: Server, connections: int, seconds: int) -> list[Figure]:
    """Events a second over a long time, as a share of a million a minute; and the workers' memory."""
    before = server.running.resident_bytes()
    stored = server.answered
    rate = server.single(connections, seconds)
    after = server.running.resident_bytes()
    found = server.runs[_single(connections)][-1]
    name = _single(connections)
    print(
        f"  {name}: {server.answered - stored:,} events, p50 {found.p50:.1f} ms, "
        f"p99 {found.p99:.1f} ms, refused {found.refused}"
    )
    return [
        Figure(f"{name}, of a million a minute", rate, "/s", rate / (1_000_000 / 60)),
        Figure(f"{name}, memory after, of before", after / 2**20, "MiB", after / before),
    ]


def _print_latencies(server: Server) -> None:
    for name, runs in server.runs.items():
        middle = sorted(runs, key=lambda run: run.p50)[len(runs) // 2]
        refused = sum(run.refused for run in runs)
        print(f"  {name}: p50 {middle.p50:.1f} ms, p99 {middle.p99:.1f} ms, refused {refused}")


def _check(database: Path, server: Server) -> None:
    with vigility.connect(str(database)) as v:
        counted, differences = v.report().total, len(v.maintenance.verify_rollups())
    print(f"\n  {server.answered:,} events were answered, {counted:,} are counted")
    print(f"  {server.unanswered:,} more at most were sent and not waited for, when wrk stopped")
    print(f"  day summaries that differ from the raw events: {differences}")
    if differences or not server.answered <= counted <= server.answered + server.unanswered:
        sys.exit("events were lost or counted twice")


@contextmanager
def vigility_on(database: Path, **settings: str) -> Iterator[Server]:
    """A server over a new database of demo users, with these settings and the default ones."""
    program = [sys.executable, "-m", "vigility", "--database", f"sqlite:///{database}"]
    subprocess.run([*program, "seed", "--events", "0"], check=True, stdout=subprocess.DEVNULL)
    serve = [*program, "serve", "--port", "{port}", "--workers", str(CORES)]
    with serving(serve, settings, "/health", log=database.with_suffix(".log")) as running:
        yield Server(running, logged_in(running.base))


@contextmanager
def hello(application: str) -> Iterator[Running]:
    """The same gunicorn and worker, with another application."""
    gunicorn = [sys.executable, "-m", "gunicorn", "-k", "vigility.web.server.worker.Worker", "-w", str(CORES)]
    command = [*gunicorn, "-b", "127.0.0.1:{port}", f"hello_apps:{application}"]
    with serving(command, {}, "/hello", HERE) as running:
        yield running


def _hello(running: Running, connections: int) -> float:
    return load(
        f"{running.base}/hello", SECONDS, connections, request("POST", "x", '{"name": "you"}')
    ).per_second


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
