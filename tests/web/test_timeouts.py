"""Who sends or reads slowly is given time, and not for ever."""

import socket
import time
from contextlib import ExitStack, suppress
from itertools import product

import pytest

from support.in_process_server import TIMEOUT, read_responses, running_in_process, track_request
from support.web_client import ADA, json_bytes, make_settings
from vigility.web.app import create_app
from vigility.web.server import timeouts

SHORT = 1.4  # seconds: nearly so long the machine may stand still without a test being the worse for it
HEAD = b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
TRACK = track_request("no token", b'{"feature_name": "a"}')[:-1]
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"Connection: close\r\n"


@pytest.fixture
def patient(v, clock):
    """A server that waits long for all."""
    with running_in_process(create_app(v, make_settings(), clock), timeout_keep_alive=TIMEOUT) as server:
        yield server


@pytest.fixture
def server(patient, monkeypatch):
    """A server that waits a short time for a request to arrive."""
    monkeypatch.setattr(timeouts, "REQUEST_SECONDS", SHORT)
    return patient


def token_of(server):
    body = json_bytes(ADA)
    with server.connect() as connection:
        connection.sendall(track_request("x", body, path=b"/register", more=LAST))
        return read_responses(connection)[0][2]["token"]


def test_a_request_that_stays_away_is_408(server):
    pieces = [b"G", b"GET / HTTP/1.1\r\nHost: a\r\n", HEAD + b"{", TRACK]
    with ExitStack() as stack:
        waiting = []
        for before, sent in product([b"", HEALTH], pieces):  # all wait at the same time
            connection = stack.enter_context(server.connect())
            connection.sendall(before + sent)
            waiting.append((before, sent, connection))
        for before, sent, connection in waiting:
            *earlier, (status, headers, content) = read_responses(connection)
            assert [response[0] for response in earlier] == [200] * bool(before)
            if before and sent == TRACK:  # which had to wait, so the general way judged its head
                assert status == 401
                continue
            assert (status, content) == (408, {"error": "The request took too long to arrive"}), sent
            assert headers["Connection"] == "close"


def test_a_byte_now_and_then_is_not_enough(server):
    began = time.monotonic()
    with server.connect() as connection, suppress(ConnectionError):
        connection.sendall(HEAD)
        while time.monotonic() - began < TIMEOUT:  # until then some 600 bytes of 5,000 come
            connection.sendall(b" ")
            connection.settimeout(SHORT / 15)
            with suppress(TimeoutError):
                assert connection.recv(100).startswith(b"HTTP/1.1 408")
                break
    assert SHORT <= time.monotonic() - began < TIMEOUT


def test_what_comes_at_a_sane_rate_may_take_longer(server):
    with server.connect() as connection:
        began = time.monotonic()
        connection.sendall(HEAD.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n"))
        for _ in range(5):
            connection.sendall(b" " * 1_000)
            time.sleep(SHORT / 2)  # the time that passes is what is tested
        assert time.monotonic() - began > 2 * SHORT
        assert [response[0] for response in read_responses(connection)] == [400]


def test_a_connection_over_which_nothing_comes_is_closed(server):
    with server.connect() as silent, server.connect() as blank:
        blank.sendall(b"\r\n")
        assert [silent.recv(1), blank.recv(1)] == [b"", b""]


def test_no_time_runs_for_what_arrived_whole(server):
    token = token_of(server)
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(track_request(token))
            assert connection.recv(10_000).startswith(b"HTTP/1.1 201")
            (protocol,) = server.server_state.connections
            assert not protocol._request_timeout.is_running
        time.sleep(1.5 * SHORT)  # idle, which is bounded by another time
        connection.sendall(track_request(token, more=LAST))
        assert [response[0] for response in read_responses(connection)] == [201]


def gone(server):
    """Whether the server lets go of all connections."""
    until = time.monotonic() + TIMEOUT / 2  # sooner than an idle connection is closed
    while server.server_state.connections and time.monotonic() < until:
        time.sleep(0.02)
    return not server.server_state.connections


def never_reading(server):
    """A connection that is full soon, where nothing is read from it."""
    server._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # of what it accepts
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(SHORT)
    connection.connect(server.address)
    until = time.monotonic() + TIMEOUT
    while connection.getsockname() not in {known.client for known in list(server.server_state.connections)}:
        assert time.monotonic() < until
        time.sleep(0.02)
    return connection


@pytest.mark.parametrize("way", ["short", "general"])
def test_who_reads_nothing_is_let_go(patient, monkeypatch, way):
    monkeypatch.setattr(timeouts, "UNREAD_SECONDS", SHORT)
    asked = track_request(token_of(patient)) if way == "short" else HEALTH.replace(b"/health", b"/openapi.json")
    with never_reading(patient) as connection:
        with suppress(TimeoutError, ConnectionError):
            for _ in range(20_000):
                connection.sendall(asked)
        assert gone(patient)


def test_who_takes_no_last_answer_is_let_go(patient, monkeypatch):
    monkeypatch.setattr(timeouts, "UNREAD_SECONDS", SHORT)
    many = HEALTH.replace(b"/health", b"/static/none") * 50
    with never_reading(patient) as connection:
        connection.settimeout(TIMEOUT)
        connection.sendall(many + HEALTH.replace(b"/health", b"/openapi.json"))
        connection.sendall(HEALTH.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n"))
        assert gone(patient)


def test_a_slow_reader_gets_all(patient, monkeypatch):
    monkeypatch.setattr(timeouts, "UNREAD_SECONDS", 2 * SHORT)
    asked = HEALTH.replace(b"/health", b"/openapi.json")
    with patient.connect() as connection:
        connection.sendall(asked)
        size = int(read_responses(connection, 1)[0][1]["Content-Length"])
    with never_reading(patient) as connection:
        connection.settimeout(TIMEOUT)
        connection.sendall(asked * 2 + asked.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n"))
        began, content = time.monotonic(), b""
        while piece := read(connection, 3 * size // 10):
            content += piece
            time.sleep(SHORT / 3)  # the time that passes is what is tested
    assert time.monotonic() - began > 2 * SHORT
    assert content.count(b"HTTP/1.1 200") == 3
    assert len(content.rpartition(b"\r\n\r\n")[2]) == size


def read(connection, most):
    """So many bytes, or fewer where the other end closes."""
    content = b""
    while len(content) < most and (piece := connection.recv(most - len(content))):
        content += piece
    return content
