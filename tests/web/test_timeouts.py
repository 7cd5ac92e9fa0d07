"""Clients that send or read slowly have time, but not for ever."""

import socket
import time
from contextlib import ExitStack, suppress
from itertools import product

import pytest

from support.in_process_server import TIMEOUT, read_responses, running_in_process, track_request
from support.web_client import ADA, json_bytes, make_settings
from vigility.web.app import create_app
from vigility.web.server import timeouts

pytestmark = pytest.mark.slow  # waits for timeouts

SHORT = 1.4  # seconds; a machine may pause for nearly as long without failing a test
HEAD = b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
TRACK = track_request("no token", b'{"feature_name": "a"}')[:-1]
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"Connection: close\r\n"


@pytest.fixture
def unlimited_server(v, clock):
    """A server with long timeouts."""
    with running_in_process(create_app(v, make_settings(), clock), timeout_keep_alive=TIMEOUT) as server:
        yield server


@pytest.fixture
def server(unlimited_server, monkeypatch):
    """A server that waits only briefly for a request to arrive."""
    monkeypatch.setattr(timeouts, "REQUEST_SECONDS", SHORT)
    return unlimited_server


def token_of(server):
    body = json_bytes(ADA)
    with server.connect() as connection:
        connection.sendall(track_request("x", body, path=b"/register", more=LAST))
        return read_responses(connection)[0][2]["token"]


def test_a_request_that_does_not_arrive_is_408(server):
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
            if before and sent == TRACK:  # it had to wait, so the normal path has checked its head
                assert status == 401
                continue
            assert (status, content) == (408, {"error": "The request took too long to arrive"}), sent
            assert headers["Connection"] == "close"


def test_single_bytes_now_and_then_are_not_enough(server):
    began = time.monotonic()
    with server.connect() as connection, suppress(ConnectionError):
        connection.sendall(HEAD)
        while time.monotonic() - began < TIMEOUT:  # in that time some 600 bytes of 5,000 arrive
            connection.sendall(b" ")
            connection.settimeout(SHORT / 15)
            with suppress(TimeoutError):
                assert connection.recv(100).startswith(b"HTTP/1.1 408")
                break
    assert SHORT <= time.monotonic() - began < TIMEOUT


def test_a_body_at_a_sufficient_rate_may_take_longer(server):
    with server.connect() as connection:
        began = time.monotonic()
        connection.sendall(HEAD.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n"))
        for _ in range(5):
            connection.sendall(b" " * 1_000)
            time.sleep(SHORT / 2)  # this time is what is tested
        assert time.monotonic() - began > 2 * SHORT
        assert [response[0] for response in read_responses(connection)] == [400]


def test_a_connection_without_a_request_is_closed(server):
    with server.connect() as silent, server.connect() as blank:
        blank.sendall(b"\r\n")
        assert [silent.recv(1), blank.recv(1)] == [b"", b""]


def test_no_timeout_runs_for_a_complete_request(server):
    token = token_of(server)
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(track_request(token))
            assert connection.recv(10_000).startswith(b"HTTP/1.1 201")
            (protocol,) = server.server_state.connections
            assert not protocol._request_timeout.is_running
        time.sleep(1.5 * SHORT)  # idle connections have another timeout
        connection.sendall(track_request(token, more=LAST))
        assert [response[0] for response in read_responses(connection)] == [201]


def all_closed(server):
    """Whether the server closes all connections in time."""
    deadline = time.monotonic() + TIMEOUT / 2  # sooner than an idle connection is closed
    while server.server_state.connections and time.monotonic() < deadline:
        time.sleep(0.02)
    return not server.server_state.connections


def never_reading(server):
    """A connection with small buffers, which are full soon if nothing is read."""
    server._listener.setsockopt(
        socket.SOL_SOCKET, socket.SO_SNDBUF, 4096
    )  # inherited by accepted connections
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(SHORT)
    connection.connect(server.address)
    deadline = time.monotonic() + TIMEOUT
    while connection.getsockname() not in {known.client for known in list(server.server_state.connections)}:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return connection


@pytest.mark.parametrize("path", ["fast", "normal"])
def test_a_client_that_reads_nothing_is_disconnected(unlimited_server, monkeypatch, path):
    monkeypatch.setattr(timeouts, "UNREAD_SECONDS", SHORT)
    asked = (
        track_request(token_of(unlimited_server))
        if path == "fast"
        else HEALTH.replace(b"/health", b"/openapi.json")
    )
    with never_reading(unlimited_server) as connection:
        with suppress(TimeoutError, ConnectionError):
            for _ in range(20_000):
                connection.sendall(asked)
        assert all_closed(unlimited_server)


def test_a_client_that_does_not_read_the_last_response_is_disconnected(unlimited_server, monkeypatch):
    monkeypatch.setattr(timeouts, "UNREAD_SECONDS", SHORT)
    many = HEALTH.replace(b"/health", b"/static/none") * 50
    with never_reading(unlimited_server) as connection:
        connection.settimeout(TIMEOUT)
        connection.sendall(many + HEALTH.replace(b"/health", b"/openapi.json"))
        connection.sendall(HEALTH.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n"))
        assert all_closed(unlimited_server)


def test_a_slow_client_gets_everything(unlimited_server, monkeypatch):
    monkeypatch.setattr(timeouts, "UNREAD_SECONDS", 2 * SHORT)
    asked = HEALTH.replace(b"/health", b"/openapi.json")
    with unlimited_server.connect() as connection:
        connection.sendall(asked)
        size = int(read_responses(connection, 1)[0][1]["Content-Length"])
    with never_reading(unlimited_server) as connection:
        connection.settimeout(TIMEOUT)
        connection.sendall(asked * 2 + asked.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n"))
        began, content = time.monotonic(), b""
        while piece := read(connection, 3 * size // 10):
            content += piece
            time.sleep(SHORT / 3)  # this time is what is tested
    assert time.monotonic() - began > 2 * SHORT
    assert content.count(b"HTTP/1.1 200") == 3
    assert len(content.rpartition(b"\r\n\r\n")[2]) == size


def read(connection, most):
    """Read so many bytes, or fewer if the server closes the connection."""
    content = b""
    while len(content) < most and (piece := connection.recv(most - len(content))):
        content += piece
    return content
