"""Connections with pending requests: when the client leaves, the server stops, or something fails."""

import logging
import socket
import struct
import threading
import time

import pytest

from support.in_process_server import TIMEOUT, read_responses, running_in_process, track_request
from support.web_client import ADA, json_bytes, make_settings
from vigility.core.errors import StoreUnavailable
from vigility.web.app import create_app
from vigility.web.fast_path import handler as fast_path_handler
from vigility.web.fast_path.handler import FastTrackHandler

LAST = b"Connection: close\r\n"
FAILED = {"error": "The server failed; the log says why"}
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"


class Gate:
    """Blocks the transactions of a sink, and fails them on demand."""

    def __init__(self, add):
        self._add = add
        self.entered = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.failures = []

    def __call__(self, records):
        self.entered.set()
        assert self.open.wait(TIMEOUT)
        if self.failures:
            self.shut()
            raise self.failures.pop()
        return self._add(records)

    def shut(self):
        self.entered.clear()
        self.open.clear()


@pytest.fixture(autouse=True)
def _fresh_session_cache(monkeypatch):
    """The session cache is never outdated, however slow the machine is, so that the fast path is taken."""
    monkeypatch.setattr("vigility.web.auth.session_cache.monotonic", lambda: 1_000.0)


@pytest.fixture
def gate(v, monkeypatch):
    gate = Gate(v.events._queue._sink.add)
    monkeypatch.setattr(v.events._queue._sink, "add", gate)
    yield gate
    gate.open.set()


@pytest.fixture
def server(v, clock, gate):
    with running_in_process(create_app(v, make_settings(), clock)) as server:
        yield server
        gate.open.set()


@pytest.fixture
def token(server):
    """The token of a user whom the fast path has cached."""
    with server.connect() as connection:
        connection.sendall(track_request("x", json_bytes(ADA), path=b"/register", more=LAST))
        token = read_responses(connection)[0][2]["token"]
    with server.connect() as connection:
        connection.sendall(track_request(token, more=LAST))
        assert [response[0] for response in read_responses(connection)] == [201]
    return token


def statuses(connection, count=None):
    return [response[0] for response in read_responses(connection, count)]


def becomes_true(condition):
    """Poll the condition until it is true or time is up. Returns its value."""
    deadline = time.monotonic() + TIMEOUT
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


def test_expect_100_continue_is_answered(server, token):
    head, _, body = track_request(token, more=b"Expect: 100-continue\r\n" + LAST).partition(b"\r\n\r\n")
    with server.connect() as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert statuses(connection) == [201]


@pytest.mark.parametrize("garbage", [b"\x00\x01garbage\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"A" * 300_000])
@pytest.mark.parametrize("more", [b"", b"Cookie: a=b\r\n"])
def test_garbage_after_a_request_does_not_affect_its_response(server, token, gate, caplog, garbage, more):
    gate.shut()
    with server.connect() as connection:
        connection.sendall(track_request(token, more=more))
        assert gate.entered.wait(TIMEOUT)
        connection.sendall(garbage)
        gate.open.set()
        assert statuses(connection) == [201]
    assert [record.message for record in caplog.records] == ["Invalid HTTP request received."], (
        "it must be logged once"
    )


def test_blank_lines_before_a_request_are_ignored(server, token):
    with server.connect() as connection:
        connection.sendall(b"\r\n\r\n")
        with server.connect() as another:  # once this is answered, the blank lines have arrived
            another.sendall(HEALTH)
            assert statuses(another, 1) == [200]
        connection.sendall(track_request(token) + b"\r\n" + track_request(token, more=LAST))
        assert statuses(connection) == [201, 201]


def test_requests_after_one_that_fails_late_are_answered(server, token, gate, v, monkeypatch):
    monkeypatch.setattr(v.events._queue, "_retry_seconds", 0)
    gate.shut()
    gate.failures = [StoreUnavailable("usage.db: disk I/O error", "its disk fails")]
    with server.connect() as connection:
        connection.sendall(track_request(token))
        assert gate.entered.wait(TIMEOUT)
        connection.sendall(track_request(token, more=b"Cookie: a=b\r\n"))
        gate.open.set()
        assert statuses(connection, 1) == [503]
        assert gate.entered.wait(TIMEOUT)
        connection.sendall(HEALTH + track_request(token, more=LAST))
        with server.connect() as another:  # once this is answered, those have arrived
            another.sendall(HEALTH)
            assert statuses(another, 1) == [200]
        gate.open.set()
        assert statuses(connection) == [201, 200, 201]


def test_requests_after_a_pending_one_wait_for_it(server, token, gate):
    gate.shut()
    with server.connect() as connection:
        connection.sendall(track_request(token))
        assert gate.entered.wait(TIMEOUT)
        connection.sendall(HEALTH + track_request(token) + track_request(token, more=LAST))
        gate.open.set()
        assert statuses(connection) == [201, 200, 201, 201]


def reset(connection):
    """Close the connection with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("behind", [b"", HEALTH])
@pytest.mark.parametrize("more", [b"", b"Cookie: a=b\r\n"])
def test_a_client_that_disconnects_affects_nobody_else(server, token, gate, v, caplog, behind, more):
    gate.shut()
    with server.connect() as connection:
        leaving = server.connect()
        leaving.sendall(track_request(token, more=more) + behind)
        assert gate.entered.wait(TIMEOUT)
        connection.sendall(track_request(token))
        reset(leaving)
        connections = server.server_state.connections
        # If another request follows, the server reads nothing more until it has answered the first.
        assert behind or becomes_true(lambda: len(connections) == 1)
        gate.open.set()
        assert statuses(connection, 1) == [201]
    assert becomes_true(lambda: not connections)
    assert v.report().total == 3
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_an_error_before_the_event_is_queued_is_a_500(server, token, v, monkeypatch, caplog):
    monkeypatch.setattr(FastTrackHandler, "_cached_user", lambda *_: 1 / 0)
    with server.connect() as connection:
        connection.sendall(
            track_request(token, more=b"X-Request-ID: abc\r\n")
            + HEALTH.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n")
        )
        failed, after = read_responses(connection)
    assert (failed[0], failed[2]) == (500, FAILED)
    assert after[0] == 200
    assert "request abc failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert v.report().total == 1


def test_an_error_in_one_response_is_a_500_and_the_others_are_sent(server, token, gate, monkeypatch, caplog):
    fields = fast_path_handler.track_response
    monkeypatch.setattr(
        fast_path_handler, "track_response", lambda t: 1 / 0 if t.record.feature == "bad" else fields(t)
    )
    gate.shut()
    senders = [server.connect() for _ in range(5)]
    for index, connection in enumerate(senders):
        name = b"bad" if index == 1 else b"a"
        connection.sendall(track_request(token, b'{"feature_name": "%b"}' % name))
    assert gate.entered.wait(TIMEOUT)
    gate.open.set()
    found = []
    for connection in senders:
        with connection:
            found += statuses(connection, 1)
    assert found == [201, 500, 201, 201, 201]
    assert "ZeroDivisionError" in caplog.text


def test_a_stopping_server_answers_pending_requests(v, clock, gate):
    stored = []
    close = v.close

    def closing():
        stored.append(v.report().total)
        close()

    v.close = closing
    with running_in_process(create_app(v, make_settings(), clock)) as server:
        with server.connect() as connection:
            connection.sendall(track_request("x", json_bytes(ADA), path=b"/register", more=LAST))
            token = read_responses(connection)[0][2]["token"]
        with server.connect() as connection:
            connection.sendall(track_request(token))
            assert connection.recv(10_000).startswith(b"HTTP/1.1 201")
            gate.shut()
            connection.sendall(track_request(token))
            assert gate.entered.wait(TIMEOUT)
            server.should_exit = True
            (protocol,) = server.server_state.connections
            assert becomes_true(lambda: not protocol.cycle.keep_alive)
            gate.open.set()
            ((status, headers, _),) = read_responses(connection)
    assert (status, headers["Connection"]) == (201, "close")
    assert stored == [2]
    assert server.server_state.total_requests == 3


def test_an_upgrade_is_ignored(server, token):
    with server.connect() as connection:
        connection.sendall(track_request(token, more=b"Upgrade: x\r\n" + LAST))
        assert statuses(connection) == [201]
