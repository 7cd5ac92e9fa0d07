"""The application that a worker creates: failing at the first start, and waiting at every later one."""

import asyncio
import json
import logging
import mmap
import threading

import pytest

from support.in_process_server import read_responses, running_in_process, track_request
from support.web_client import ADA, json_bytes, make_settings
from support.web_server import TIMEOUT, wait_until
from vigility.core.errors import InvalidInput, SchemaMismatch, StoreDamaged, StoreUnavailable
from vigility.web.app import create_app
from vigility.web.middleware import access_log
from vigility.web.server import first_start, lazy_app
from vigility.web.server.first_start import CHECKED, SERVED, reach
from vigility.web.server.lazy_app import LazyApp

HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
AWAY = StoreUnavailable("usage.db: gone", "it cannot be reached")


@pytest.fixture(autouse=True)
def _new_server(monkeypatch):
    """No process of this server has started yet."""
    monkeypatch.setattr(first_start, "_stage", mmap.mmap(-1, 1))
    monkeypatch.setattr(lazy_app, "FIRST_PAUSE_SECONDS", 0.01)


class Creator:
    """Creates applications, or raises the errors that it was given. `attempts` counts its calls."""

    def __init__(self, v, clock):
        self.errors = []
        self.attempts = 0
        self.allowed = threading.Event()
        self.allowed.set()
        self._v, self._clock = v, clock

    def __call__(self, settings):
        self.attempts += 1
        assert self.allowed.wait(TIMEOUT)
        if self.errors:
            raise self.errors[0]
        return create_app(self._v, settings, self._clock)


@pytest.fixture
def creator(v, clock):
    return Creator(v, clock)


def started(creator, load=make_settings):
    """What the server is told when it starts this application: the kind of the message, and its text."""

    async def start():
        told = asyncio.Queue()
        app = LazyApp(load, creator)
        events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive():
            return next(events)

        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, told.put)
        return told.get_nowait()

    message = asyncio.run(start())
    return message["type"], message.get("message")


def test_the_first_start_fails_with_the_reason(creator):
    creator.errors = [AWAY]
    assert started(creator) == ("lifespan.startup.failed", "usage.db: gone")


def test_so_it_does_if_the_settings_are_not_valid(creator):
    def load():
        raise InvalidInput("PORT", "must be a number")

    assert started(creator, load) == ("lifespan.startup.failed", "PORT must be a number")


def test_a_bug_ends_the_first_start_even_if_the_master_could_start(creator):
    reach(CHECKED)
    creator.errors = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        started(creator)


def test_a_success_is_known_to_later_workers(creator):
    assert not first_start.has_reached(CHECKED)
    assert started(creator) == ("lifespan.startup.complete", None)
    assert first_start.has_reached(SERVED)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AWAY, "it cannot be reached"),
        (StoreDamaged("usage.db: page 7"), None),
        (SchemaMismatch("usage.db: 9999"), "its schema does not fit this version of vigility"),
        (InvalidInput("PORT", "must be"), "it could not be opened, and the log says why"),
        (OSError("too many open files"), "it could not be opened, and the log says why"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_later_start_waits_and_comes_back_by_itself(creator, error, reason, caplog):
    reach(SERVED)
    creator.errors = [error]
    with running_in_process(LazyApp(make_settings, creator)) as server, server.connect() as connection:
        for path in (b"/health", b"/", b"/none"):
            connection.sendall(HEALTH.replace(b"/health", path))
        for status, headers, content in read_responses(connection, 3):
            assert status == 503
            sentence = f"The database is unavailable: {reason}; try again shortly"
            if reason is None:
                sentence = "The database is damaged: vigility db check --integrity tells more"
            assert content == {"error": sentence}
            assert ("Retry-After" in headers) == (reason is not None)
            assert headers["X-Request-ID"]
            assert headers["Content-Security-Policy"]
        wait_until(lambda: creator.attempts > 3)
        creator.errors = []
        wait_until(lambda: "now it has" in caplog.text)
        connection.sendall(HEALTH)
        assert read_responses(connection, 1)[0][0] == 200
        connection.sendall(track_request("x", json_bytes(ADA), path=b"/register"))
        token = read_responses(connection, 1)[0][2]["token"]
        for _ in range(2):  # the second one takes the fast path
            connection.sendall(track_request(token))
            assert read_responses(connection, 1)[0][0] == 201
    attempts = [record for record in caplog.records if "this worker cannot start yet" in record.message]
    assert len(attempts) >= 3
    assert {record.levelno for record in attempts} == {logging.ERROR}


def test_settings_that_cannot_be_read_are_read_again(creator, caplog):
    reach(SERVED)
    errors = [InvalidInput("PORT", "must be a number")]

    def load():
        if errors:
            raise errors[0]
        return make_settings()

    with running_in_process(LazyApp(load, creator)) as server, server.connect() as connection:
        # Nobody knows whether the metrics need a token.
        connection.sendall(HEALTH + HEALTH.replace(b"/health", b"/metrics"))
        assert [response[0] for response in read_responses(connection, 2)] == [503, 503]
        errors.clear()
        wait_until(lambda: "now it has" in caplog.text)
        connection.sendall(HEALTH)
        assert read_responses(connection, 1)[0][0] == 200
    assert "PORT must be a number" in caplog.text


def test_requests_are_refused_while_the_database_does_not_respond(creator, monkeypatch):
    monkeypatch.setattr(lazy_app, "FIRST_ATTEMPT_SECONDS", 0.01)
    reach(CHECKED)
    creator.allowed.clear()
    with running_in_process(LazyApp(make_settings, creator)) as server, server.connect() as connection:
        connection.sendall(HEALTH)
        status, _, content = read_responses(connection, 1)[0]
        assert (status, "it is being opened" in content["error"]) == (503, True)
        creator.allowed.set()
        wait_until(lambda: first_start.has_reached(SERVED))
        connection.sendall(HEALTH)
        assert read_responses(connection, 1)[0][0] == 200


def test_metrics_and_log_work_meanwhile(creator, monkeypatch):
    reach(SERVED)
    creator.errors = [AWAY]
    written = []
    monkeypatch.setattr(access_log, "StandardOutput", lambda: written.append)
    token = b"Authorization: Bearer " + b"m" * 16 + b"\r\n"
    metrics = HEALTH.replace(b"/health", b"/metrics")
    app = LazyApp(lambda: make_settings(access_log="on", metrics_token="m" * 16), creator)
    with running_in_process(app) as server, server.connect() as connection:
        connection.sendall(HEALTH + metrics)
        assert [response[0] for response in read_responses(connection, 2)] == [503, 401]
        connection.sendall(metrics.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n" + token + b"\r\n"))
        assert b'route="none",status="503"} 1.0' in connection.makefile("rb").read()
    lines = [json.loads(line) for line in b"".join(written).splitlines()]
    assert [(line["path"], line["status"]) for line in lines] == [
        ("/health", 503),
        ("/metrics", 401),
        ("/metrics", 200),
    ]


def test_other_hosts_are_refused_meanwhile(creator):
    reach(SERVED)
    creator.errors = [AWAY]
    app = LazyApp(lambda: make_settings(allowed_hosts="usage.example"), creator)
    with running_in_process(app) as server, server.connect() as connection:
        for host, path, status in [
            (b"usage.example", b"/health", 503),
            (b"evil.example", b"/health", 421),
            (b"evil.example", b"/metrics", 421),
        ]:
            connection.sendall(HEALTH.replace(b"Host: a", b"Host: " + host).replace(b"/health", path))
            assert read_responses(connection, 1)[0][0] == status


def test_a_worker_stops_while_it_waits(creator):
    reach(SERVED)
    creator.errors = [AWAY]
    with running_in_process(LazyApp(make_settings, creator)):
        wait_until(lambda: creator.attempts > 1)
