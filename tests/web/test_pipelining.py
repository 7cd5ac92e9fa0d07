"""Pipelined, large and split requests of `POST /track`, on both paths of a real server."""

import http.client
import json
import socket
import struct

import pytest

import vigility
from support.reports import totals
from support.web_server import TIMEOUT, running, wait_until

pytestmark = pytest.mark.server

EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"
GOOD = b'{"feature_name": "a"}'
LAST = b"Connection: close\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("pipelining"), workers=1) as server:
        yield server


@pytest.fixture(scope="module")
def request_of(server):
    """Makes raw requests of a user whom the only worker has cached."""
    bearer = server.register()
    with server.connect() as client:
        assert client.send("GET", "/me", headers=bearer)[0] == 200

    def make(body, *, more=b"", path=b"/track", length=None):
        return (
            b"POST %b HTTP/1.1\r\nHost: a\r\nAuthorization: %b\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n%b\r\n%b"
            % (path, bearer["Authorization"].encode(), length or len(body), more, body)
        )

    return make


def responses_to(server, sent):
    """(status, content) of every response to these requests. The last request closes the connection."""
    found = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.sendall(sent)
        with connection.makefile("rb") as stream:
            while line := stream.readline():
                length = int(http.client.parse_headers(stream)["Content-Length"])
                found.append((int(line.split()[1]), json.loads(stream.read(length))))
    return found


def test_pipelined_requests_are_answered_in_order(server, request_of):
    # Every third takes the normal path.
    sent = [
        request_of(b'{"feature_name": "f%d"}' % n, more=b"X-Request-ID: a\r\nCookie: a=b\r\n" * (n % 3 == 0))
        for n in range(40)
    ]
    found = responses_to(server, b"".join(sent) + request_of(GOOD, more=LAST))
    assert [status for status, _ in found] == [201] * 41
    assert [event["featureName"] for _, event in found] == [*(f"f{n}" for n in range(40)), "a"]


@pytest.mark.parametrize("size", [5_000, 70_000, 90_000, 200_000, 2_000_000])
def test_a_large_body_takes_the_normal_path(server, request_of, size):
    body = GOOD + b" " * size
    ((status, _),) = responses_to(server, request_of(body, more=LAST))
    assert status == (201 if size < 100_000 else 413)


def test_a_large_body_among_others(server, request_of):
    body = b'{"feature_name": "large"}' + b" " * 90_000
    found = responses_to(
        server, request_of(GOOD) + request_of(body) + request_of(GOOD) + request_of(GOOD, more=LAST)
    )
    assert [event["featureName"] for _, event in found] == ["a", "large", "a", "a"]


def test_a_request_in_many_packets(server, request_of):
    sent = request_of(GOOD, more=LAST)
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in sent:
            connection.sendall(bytes([byte]))
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 201")


def test_an_error_response_comes_from_the_normal_path(server, request_of):
    body = b'{"feature_name": "%b", "event_id": "%b"}'
    first = request_of(body % (b"a", EVENT_ID.encode()))
    other = request_of(body % (b"b", EVENT_ID.encode()))
    found = responses_to(server, first + other + request_of(GOOD, more=LAST))
    assert [status for status, _ in found] == [201, 409, 201]
    assert list(found[1][1]) == ["error"]


def test_the_event_of_a_client_that_disconnects_is_stored(server, request_of):
    body = b'{"feature_name": "left"}'
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.sendall(request_of(body))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with vigility.connect(f"{server.folder}/usage.db") as v:
        wait_until(
            lambda: "left" in totals(v.report()),
            "the event of a client that disconnected was not stored",
        )
    ((status, _),) = responses_to(server, request_of(GOOD, more=LAST))
    assert status == 201
