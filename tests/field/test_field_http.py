"""Requests of others' clients, as they were seen in the field. The numbers are those of the issue."""

import re
import socket
import time

import pytest

from support.web_server import TIMEOUT, running, wait_until

pytestmark = pytest.mark.server

BODY = b'{"feature_name":"zoom"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("field")) as server:
        yield server


@pytest.fixture(scope="module")
def token(server):
    return server.register()["Authorization"].removeprefix("Bearer ").encode()


def statuses(server, *parts):
    """The statuses of all responses to these parts, which are sent with a pause between them."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
            if part is not parts[-1]:
                time.sleep(0.1)  # what comes behind the pause is to arrive in another packet
        connection.shutdown(socket.SHUT_WR)
        while more := connection.recv(65_536):
            received += more
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", received)]


def offer(token, size, upgrade=b"h2c"):
    """The head of a POST as JDK's HttpClient sends it by default."""
    return (
        b"POST /track HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n"
        b"Content-Type: application/json\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %b\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nContent-Length: %d\r\n\r\n" % (token, upgrade, size)
    )


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket"])
def test_item_1_file_02_an_offer_to_upgrade_loses_no_body(server, token, upgrade):
    head = offer(token, len(BODY), upgrade)
    assert statuses(server, head + BODY) == [201]
    assert statuses(server, head, BODY) == [201]


def test_item_1_file_02_a_body_is_not_a_request(server, token):
    inner = b"GET /me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n\r\n" % token
    assert statuses(server, offer(token, len(inner)) + inner) == [400]
    assert statuses(server, offer(token, len(inner)), inner) == [400]


CHUNKED = (
    b"POST /track HTTP/1.1\r\nHost: localhost\r\n%bContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n"
)


def test_item_22_a_token_in_a_trailer_signs_nobody_in(server, token):
    bearer = b"Authorization: Bearer %b\r\n" % token
    assert statuses(server, CHUNKED % (b"", len(BODY), BODY) + bearer + b"\r\n") == [401]
    assert statuses(server, CHUNKED % (bearer, len(BODY), BODY) + b"Content-Type: text/plain\r\n\r\n") == [
        201
    ]


def test_item_22_an_address_in_a_trailer_is_not_believed(tmp_path):
    with running(tmp_path, VIGILITY_TRUSTED_PROXIES="127.0.0.1") as server:
        forwarded = b"X-Forwarded-For: 192.0.2.1\r\nX-Request-ID: seen\r\n"
        trailer = b"X-Forwarded-For: 198.51.100.7\r\nX-Request-ID: unseen\r\n\r\n"
        assert statuses(server, CHUNKED % (forwarded, len(BODY), BODY) + trailer) == [401]
        wait_until(lambda: server.access_lines)
        assert [line["address"] for line in server.access_lines] == ["192.0.2.1"]
        assert [line["request_id"] for line in server.access_lines] == ["seen"]


@pytest.mark.parametrize("piece", [b"a: b\r\n" * 1_000, b"x" * 5_000], ids=["short ones", "one value"])
def test_item_22_endless_trailers_are_cut_off(server, token, piece):
    bearer = b"Authorization: Bearer %b\r\n" % token
    begin = CHUNKED % (bearer, 1, b" ") + (b"" if piece[:1] == b"a" else b"a: ")
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.sendall(begin)
        connection.settimeout(0.01)
        for _ in range(1_000):  # 5 MB
            try:
                connection.sendall(piece)
                received = connection.recv(1_000)
                break
            except TimeoutError:
                continue
    assert received.startswith(b"HTTP/1.1 431")


def test_item_33_http_1_0_needs_no_host(server):
    assert statuses(server, b"GET /health HTTP/1.0\r\n\r\n") == [200]
    assert statuses(server, b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n") == [200]
    assert statuses(server, b"GET /health HTTP/1.0\r\nHost: localhost\r\nHost: localhost\r\n\r\n") == [400]
    assert statuses(server, b"GET /health HTTP/1.1\r\n\r\n") == [400]
