"""A worker that stops: no request is lost, no connection reset, and nobody keeps it from stopping."""

import socket
import struct
import threading
import time

import pytest

from support import nginx
from support.durability import seamless
from support.in_process_server import TIMEOUT, InProcessServer, read_responses, track_request
from support.web_client import ADA, json_bytes, make_settings
from support.web_server import wait_until
from vigility.web.app import create_app
from vigility.web.server import transport
from vigility.web.server.graceful_server import GracefulServer

LAST = b"Connection: close\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"


class Server(GracefulServer, InProcessServer):
    """The server of a worker, in a thread of the test process."""

    def stop_later(self):
        """Tell it to stop. Returns when every connection has been told."""
        self.should_exit = True
        wait_until(lambda: all(each._is_stopping for each in list(self.server_state.connections)))


@pytest.fixture
def server(v, clock):
    server = Server(create_app(v, make_settings(), clock))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bearer(server):
    """The token of a user whom the fast path has cached."""
    with server.connect() as connection:
        connection.sendall(track_request("x", json_bytes(ADA), path=b"/register", more=LAST))
        token = read_responses(connection)[0][2]["token"]
    with server.connect() as connection:
        connection.sendall(track_request(token, more=LAST))
        assert [response[0] for response in read_responses(connection)] == [201]
    return token


@pytest.fixture
def long_wait(monkeypatch):
    """The server waits longer for the next request than any test does."""
    monkeypatch.setattr(transport, "IDLE_SECONDS", 10 * TIMEOUT)


def opened(server, *sent):
    """A connection over which one request was answered, or none."""
    connection = server.connect()
    for request in sent:
        connection.sendall(request)
        read_responses(connection, 1)
    return connection


def is_last(responses, status):
    """Whether there is one response, which says that it is the last one."""
    return [(each[0], each[1]["Connection"]) for each in responses] == [(status, "close")]


def is_reset(connection):
    """Whether the system has reset the connection, because more was sent to it after it was closed."""
    try:
        connection.sendall(b"x")
    except ConnectionError:
        return True
    return False


@pytest.mark.usefixtures("long_wait")
@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("path", ["fast", "declined", "normal"])
def test_the_next_request_is_answered_and_the_last(server, bearer, used, path):
    requests = {
        "fast": track_request(bearer),
        "declined": track_request(bearer, more=b"Cookie: a=b\r\n"),
        "normal": HEALTH,
    }
    with opened(server, *[track_request(bearer)] * used) as connection:
        wait_until(lambda: server.server_state.connections)
        server.stop_later()
        connection.sendall(requests[path])
        assert is_last(read_responses(connection), 200 if path == "normal" else 201)


@pytest.mark.usefixtures("long_wait")
@pytest.mark.parametrize("more", [b"", b"Cookie: a=b\r\n"], ids=["fast path", "normal path"])
@pytest.mark.parametrize("end", [5, -30, -5])
def test_a_request_that_has_begun_to_arrive_is_answered(server, bearer, more, end):
    sent = track_request(bearer, more=more)
    with opened(server, HEALTH) as connection:
        connection.sendall(sent[:end])
        opened(server, HEALTH).close()  # once this is answered, the beginning has arrived
        server.stop_later()
        connection.sendall(sent[end:])
        assert is_last(read_responses(connection), 201)


@pytest.mark.usefixtures("long_wait")
def test_requests_behind_the_last_one_do_not_reset_the_connection(server, bearer):
    with opened(server, HEALTH) as connection:
        server.stop_later()
        connection.sendall(track_request(bearer) * 50)
        connection.sendall(track_request(bearer) * 50)  # unread in the system when the server closes
        assert is_last(read_responses(connection), 201)
        connection.sendall(HEALTH)  # a reset would be reported now
        assert connection.recv(100) == b""


def test_a_refused_request_does_not_reset_the_connection(server):
    with server.connect() as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        for _ in range(200):
            connection.sendall(b"x" * 10_000)
        ((status, _, _),) = read_responses(connection)
        assert status == 400
        connection.sendall(b"x" * 10_000)
        assert connection.recv(100) == b""


def test_a_client_that_does_not_close_is_left_after_a_while(server, monkeypatch):
    monkeypatch.setattr(transport, "LINGER_SECONDS", 0.05)
    with server.connect() as connection:
        connection.sendall(HEALTH.replace(b"\r\n\r\n", b"\r\n" + LAST + b"\r\n"))
        assert [response[0] for response in read_responses(connection)] == [200]
        wait_until(lambda: not server.server_state.connections)
        wait_until(lambda: is_reset(connection))


def test_idle_connections_are_closed_after_a_while(server, monkeypatch):
    monkeypatch.setattr(transport, "IDLE_SECONDS", 0.2)
    with opened(server, HEALTH) as used, opened(server) as unused:
        wait_until(lambda: len(server.server_state.connections) == 2)
        server.stop_later()
        assert [used.recv(1), unused.recv(1)] == [b"", b""]
        server.stop()


def test_a_connection_that_was_idle_for_long_is_closed_at_once(server, monkeypatch):
    with opened(server, HEALTH) as connection:
        (protocol,) = server.server_state.connections
        idle_since = protocol._idle_since
        monkeypatch.setattr(protocol, "_idle_since", lambda: idle_since() - 10 * TIMEOUT)
        monkeypatch.setattr(transport, "IDLE_SECONDS", 5 * TIMEOUT)
        server.stop_later()
        assert connection.recv(1) == b""


def test_a_client_is_told_at_once_that_its_connection_ends(server, monkeypatch):
    """Not only when the event loop gets to it: what the client sends until then is lost."""
    monkeypatch.setattr(transport, "IDLE_SECONDS", 0)
    is_told, told_in_time = threading.Event(), []
    with opened(server, HEALTH) as connection:
        (protocol,) = server.server_state.connections

        def stop_and_be_busy():
            protocol.shutdown()
            told_in_time.append(is_told.wait(TIMEOUT))

        protocol.loop.call_soon_threadsafe(stop_and_be_busy)
        assert connection.recv(1) == b""
        is_told.set()
    wait_until(lambda: told_in_time)
    assert told_in_time == [True]


def test_bytes_that_are_unread_keep_a_connection_open(server, bearer, monkeypatch):
    monkeypatch.setattr(transport, "IDLE_SECONDS", 0)
    unread = threading.Event()
    has_unread_bytes = transport.LingeringTransport._has_unread_bytes

    def with_a_late_request(self):
        if not unread.is_set():
            unread.set()
            connection.sendall(track_request(bearer))
            time.sleep(0.05)  # over loopback it has arrived by then, and the event loop has not read it
        return has_unread_bytes(self)

    monkeypatch.setattr(transport.LingeringTransport, "_has_unread_bytes", with_a_late_request)
    with opened(server, HEALTH) as connection:
        server.stop_later()
        assert is_last(read_responses(connection), 201)


def test_connections_that_wait_to_be_accepted_are_served(v, clock, monkeypatch):
    server = Server(create_app(v, make_settings(), clock))
    listener = server._listener
    late = []

    def connect_late(self, sockets=None):
        """The event loop has no chance to accept these."""
        for _ in range(5):
            late.append(server.connect())
            late[-1].sendall(HEALTH)
        return stop(self, sockets)

    stop = GracefulServer.shutdown
    monkeypatch.setattr(Server, "shutdown", connect_late)
    server.start()
    server.stop()
    assert listener.fileno() == -1
    for connection in late:
        with connection:
            assert is_last(read_responses(connection), 200)


def test_a_client_that_closes_its_sending_side_gets_its_responses(server, bearer):
    with server.connect() as connection:
        connection.sendall(track_request(bearer) + HEALTH)
        connection.shutdown(socket.SHUT_WR)
        assert [response[0] for response in read_responses(connection)] == [201, 200]


@pytest.mark.parametrize("sent", [b"", HEALTH[:9], track_request("x")[:-3]])
def test_a_client_that_closes_in_the_middle_is_left(server, sent):
    with server.connect() as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    wait_until(lambda: not server.server_state.connections)


def test_a_reset_connection_is_forgotten(server):
    connection = opened(server, HEALTH)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    wait_until(lambda: not server.server_state.connections)


@pytest.mark.server
@pytest.mark.slow  # reloads servers under load; the long form: tests/durability/long.py reloads
class TestUnderLoad:
    def test_reloads_and_stops_lose_no_request(self, tmp_path):
        outcome = seamless.direct(tmp_path, reloads=5, stops=2)
        assert not outcome.faults, outcome
        assert (outcome.reloads, outcome.stops) == (5, 2)

    @nginx.required
    def test_nor_behind_nginx(self, tmp_path):
        outcome = seamless.through_nginx(tmp_path, reloads=5, stops=2)
        assert not outcome.faults, outcome
        assert (outcome.reloads, outcome.stops) == (5, 2)
