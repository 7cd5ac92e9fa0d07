"""Who sends or reads slowly is given time, and not for ever."""

import socket
import time
from contextlib import suppress

import pytest

from vigility.web import patience
from vigility.web.app import create_app
from web_client import ADA, dumped, settings_of
from web_serving import PATIENCE, answers, request, serving

SHORT = 0.3
HEAD = b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
TRACK = request("no token", b'{"feature_name": "a"}')[:-1]
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"Connection: close\r\n"


@pytest.fixture
def server(v, clock, monkeypatch):
    monkeypatch.setattr(patience, "REQUEST_SECONDS", SHORT)
    with serving(create_app(v, settings_of(), clock)) as server:
        yield server


def token_of(server):
    body = dumped(ADA)
    with server.connect() as connection:
        connection.sendall(request("x", body, path=b"/register", more=LAST))
        return answers(connection)[0][2]["token"]


@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\nHost: a\r\n", HEAD + b"{", TRACK])
@pytest.mark.parametrize("before", [b"", HEALTH])
def test_a_request_that_stays_away_is_408(server, sent, before):
    with server.connect() as connection:
        connection.sendall(before + sent)
        *earlier, (status, headers, content) = answers(connection)
    assert [answer[0] for answer in earlier] == [200] * bool(before)
    if before and sent == TRACK:  # which had to wait, so the general way judged its head
        assert status == 401
        return
    assert (status, content) == (408, {"error": "The request took too long to arrive"})
    assert headers["Connection"] == "close"


def test_a_byte_now_and_then_is_not_enough(server):
    began = time.monotonic()
    with server.connect() as connection, suppress(ConnectionError):
        connection.sendall(HEAD)
        while time.monotonic() - began < PATIENCE:
            connection.sendall(b" ")
            connection.settimeout(SHORT / 10)
            with suppress(TimeoutError):
                assert connection.recv(100).startswith(b"HTTP/1.1 408")
                break
    assert SHORT <= time.monotonic() - began < PATIENCE / 2


def test_what_comes_at_a_sane_rate_may_take_longer(server):
    with server.connect() as connection:
        began = time.monotonic()
        connection.sendall(HEAD.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n"))
        for _ in range(5):
            connection.sendall(b" " * 1_000)
            time.sleep(SHORT / 2)  # the time that passes is what is tested
        assert time.monotonic() - began > 2 * SHORT
        assert [answer[0] for answer in answers(connection)] == [400]


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_a_connection_over_which_nothing_comes_is_closed(server, sent):
    with server.connect() as connection:
        connection.sendall(sent)
        assert connection.recv(1) == b""


def test_no_time_runs_for_what_arrived_whole(server):
    token = token_of(server)
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(request(token))
            assert connection.recv(10_000).startswith(b"HTTP/1.1 201")
            (protocol,) = server.server_state.connections
            assert not protocol._arrival.is_awaited
        time.sleep(2 * SHORT)  # idle, which is bounded by another time
        connection.sendall(request(token, more=LAST))
        assert [answer[0] for answer in answers(connection)] == [201]


def gone(server):
    """Whether the server lets go of all connections."""
    until = time.monotonic() + PATIENCE / 2
    while server.server_state.connections and time.monotonic() < until:
        time.sleep(0.02)
    return not server.server_state.connections


def never_reading(server):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(SHORT)
    connection.connect(server.address)
    return connection


@pytest.mark.parametrize("way", ["short", "general"])
def test_who_reads_nothing_is_let_go(server, monkeypatch, way):
    monkeypatch.setattr(patience, "UNREAD_SECONDS", SHORT)
    asked = request(token_of(server)) if way == "short" else HEALTH.replace(b"/health", b"/openapi.json")
    with never_reading(server) as connection:
        with suppress(TimeoutError, ConnectionError):
            for _ in range(20_000):
                connection.sendall(asked)
        assert gone(server)


def test_who_takes_no_last_answer_is_let_go(server, monkeypatch):
    monkeypatch.setattr(patience, "UNREAD_SECONDS", SHORT)
    many = HEALTH.replace(b"/health", b"/static/none") * 50
    with never_reading(server) as connection:
        connection.sendall(many + HEALTH.replace(b"/health", b"/openapi.json"))
        connection.sendall(HEALTH.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n"))
        assert gone(server)


def test_a_slow_reader_gets_all(server, monkeypatch):
    monkeypatch.setattr(patience, "UNREAD_SECONDS", 2.0)
    with never_reading(server) as connection:
        connection.settimeout(PATIENCE)
        asked = HEALTH.replace(b"/health", b"/openapi.json") * 100
        connection.sendall(asked + HEALTH.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n"))
        found = answers(connection)
    assert [status for status, _, _ in found] == [200] * 101
