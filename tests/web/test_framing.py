"""Where requests begin and end on a connection, whatever optional headers say; trailers; HTTP/1.0."""

import socket
import tracemalloc
from contextlib import suppress

import pytest

from support.in_process_server import TIMEOUT, read_responses, running_in_process, track_request
from support.web_client import ADA, json_bytes, make_settings
from vigility.web.app import create_app
from vigility.web.server.framing import MAX_CHUNK_FRAMING_BYTES

LAST = b"Connection: close\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
EVENT = b'{"feature_name": "a"}'
TE = b"Transfer-Encoding: chunked\r\n"
OFFERS = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAA\r\n",
    "websocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "several": b"Connection: keep-alive, upgrade\r\nUpgrade: TLS/1.0, foo/2, h2c\r\n",
    "in two lines": b"Upgrade: h2c\r\nConnection: keep-alive\r\nConnection: Upgrade\r\n",
    "not in Connection": b"Upgrade: h2c\r\n",
    "in Connection only": b"Connection: Upgrade\r\n",
}


@pytest.fixture
def server(v, clock):
    with running_in_process(create_app(v, make_settings(), clock)) as server:
        yield server


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


@pytest.fixture
def chunked(token):
    """Makes a request whose body is in chunks, up to the last chunk's size."""

    bearer = b"Authorization: Bearer " + token.encode() + b"\r\n"

    def make(*parts, more=b"", authorization=bearer):
        head = b"POST /track HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts or [EVENT])
        return head + authorization + TE + more + b"\r\n" + chunks + b"0\r\n"

    return make


def responses(server, *parts, count=None):
    """What the server answers to these parts, which arrive one after the other."""
    with server.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            with suppress(ConnectionError):  # the server has refused the parts before
                connection.sendall(part)
            if part is not parts[-1]:
                wait_until_handled(server)
        return read_responses(connection, count)


def wait_until_handled(server):
    """Returns when the server has handled what it was sent before: it answers connections in turn."""
    with server.connect() as another:
        another.sendall(HEALTH)
        assert [response[0] for response in read_responses(another, 1)] == [200]


def statuses(server, *parts, count=None):
    return [response[0] for response in responses(server, *parts, count=count)]


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
class TestAnOfferToUpgradeIsIgnored:
    def test_and_the_body_is_read_by_its_length(self, server, token, offer):
        sent = track_request(token, more=offer)
        assert statuses(server, sent + track_request(token, more=LAST)) == [201, 201]

    def test_and_the_body_may_come_in_parts(self, server, token, offer):
        head, _, body = track_request(token, more=offer).partition(b"\r\n\r\n")
        last = track_request(token, more=LAST)
        assert statuses(server, head, b"\r\n\r\n", body[:5], body[5:] + last) == [201, 201]

    def test_and_the_body_may_come_in_chunks(self, server, token, chunked, offer):
        sent = chunked(EVENT[:3], EVENT[3:], more=offer) + b"\r\n"
        assert statuses(server, sent + track_request(token, more=LAST)) == [201, 201]

    def test_and_a_body_is_not_taken_for_a_request(self, server, token, v, offer):
        inner = track_request(token) * 2
        assert statuses(server, track_request(token, inner, more=offer) + HEALTH, count=2) == [400, 200]
        head, _, body = track_request(token, inner, more=offer).partition(b"\r\n\r\n")
        assert statuses(server, head + b"\r\n\r\n", body + HEALTH, count=2) == [400, 200]
        assert v.report().total == 1

    def test_and_requests_without_a_body_follow_each_other(self, server, offer):
        upgrade = HEALTH.replace(b"\r\n\r\n", b"\r\n" + offer + b"\r\n")
        sent = upgrade * 1_500 + HEALTH  # more than Python allows recursive calls
        assert statuses(server, sent, count=1_501) == [200] * 1_501

    def test_and_the_connection_is_closed_if_the_client_asks_for_it(self, server, token, offer):
        offer = offer.replace(b"Connection: ", b"Connection: close, ", 1)
        if b"close" not in offer:
            offer += LAST
        assert statuses(server, track_request(token, more=offer) + track_request(token)) == [201]

    def test_and_a_pending_request_is_answered_first(self, server, token, offer):
        assert statuses(server, track_request(token) + track_request(token, more=offer), count=2) == [
            201,
            201,
        ]


def test_many_requests_in_one_packet_are_no_large_head(server):
    assert statuses(server, HEALTH * 4_000 + HEALTH[:-2], HEALTH[-2:], count=4_001) == [200] * 4_001


def test_a_wrong_length_is_refused_with_an_offer_as_without(server, token):
    for more in (b"", OFFERS["h2c"]):
        sent = track_request(token, more=more + TE)  # chunks and a length
        assert statuses(server, sent) == [400]


@pytest.mark.parametrize("target", [b"evil.example:80", b"/track", b"/"])
@pytest.mark.parametrize("more", [b"", b"Content-Length: 38\r\n"])
def test_connect_is_refused_and_nothing_after_it_is_a_request(server, target, more):
    sent = b"CONNECT %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (target, more)
    ((status, headers, content),) = responses(server, sent + HEALTH)
    assert (status, headers["Connection"]) == (400, "close")
    assert content == {"error": "CONNECT is not possible here: this server is not a proxy"}


@pytest.mark.parametrize(
    "trailers",
    [
        b"X-Checksum: abc\r\n",
        b"Content-Type: text/plain\r\nContent-Encoding: gzip\r\n",
        b"Authorization: Bearer nonsense\r\nCookie: a=b\r\nOrigin: http://evil.example\r\n",
        b"Host: evil.example\r\nX-Forwarded-For: 192.0.2.1\r\nExpect: 100-continue\r\n",
        b"Keep-Alive: timeout=1\r\nTE: trailers\r\nTrailer: x\r\n",
    ],
)
@pytest.mark.parametrize("split", [False, True])
def test_trailers_change_nothing(server, chunked, trailers, split):
    sent = chunked()
    parts = (
        [sent, trailers[:9], trailers[9:] + b"\r\n" + HEALTH]
        if split
        else [sent + trailers + b"\r\n" + HEALTH]
    )
    assert statuses(server, *parts, count=2) == [201, 200]


@pytest.mark.parametrize(
    "trailer", [b"Connection: close", b"Content-Length: 5", b"transfer-encoding: chunked", b"Upgrade: h2c"]
)
@pytest.mark.parametrize("more", [b"", b"X: y\r\n"])
def test_a_trailer_about_framing_is_refused(server, chunked, trailer, more):
    """The parser acts by some of them, so that what follows would be lost or read in another way."""
    assert statuses(server, chunked() + trailer + b"\r\n" + more + b"\r\n" + HEALTH) == [400]


def test_a_token_in_a_trailer_is_none(server, token, chunked):
    sent = chunked(authorization=b"") + b"Authorization: Bearer " + token.encode() + b"\r\nX: y\r\n\r\n"
    ((status, _, content),) = responses(server, sent, count=1)
    assert (status, content) == (401, {"error": "No token provided"})


TOO_MUCH = "The request's chunks hold too much beside the content"
ENDLESS = {
    "trailers": (b"0\r\n", b"a: b\r\n" * 200),
    "one trailer": (b"0\r\na: ", b"x" * 1_000),
    "the name of a trailer": (b"0\r\n", b"x" * 1_000),
    "an extension": (b"1;a=", b"x" * 1_000),
    "extensions": (b"", b"1;a=%b\r\nx\r\n" % (b"x" * 1_000)),
    "one-byte chunks": (b"", b"1\r\nx\r\n" * 200),
    "zeros before a size": (b"", b"0" * 1_000),
}


def refused_for_too_much(server, head, piece):
    """Send pieces until the server refuses. Returns its responses, and how many bytes it took."""
    sent = 0
    with server.connect() as connection:
        connection.sendall(head)
        connection.settimeout(0.01)
        with suppress(ConnectionError):
            while sent < 100 * MAX_CHUNK_FRAMING_BYTES:
                connection.sendall(piece)
                sent += len(piece)
                with suppress(TimeoutError):
                    if connection.recv(1, socket.MSG_PEEK):
                        break
        connection.settimeout(TIMEOUT)
        return read_responses(connection), sent


@pytest.mark.parametrize(("begin", "piece"), ENDLESS.values(), ids=ENDLESS)
def test_the_framing_of_a_request_is_bounded(server, chunked, begin, piece):
    head = chunked(more=b"")[:-3]  # without the last chunk
    tracemalloc.start()
    try:
        ((status, headers, content),), sent = refused_for_too_much(server, head + begin, piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (status, content) == (431, {"error": TOO_MUCH})
    assert headers["Connection"] == "close"
    assert sent < 10 * MAX_CHUNK_FRAMING_BYTES
    assert peak < 20 * MAX_CHUNK_FRAMING_BYTES


def test_a_large_body_does_not_allow_more_trailers(server, chunked):
    sent = chunked(EVENT + b" " * 90_000) + b"a: b\r\n" * 15_000
    pieces = [sent[start : start + 20_000] for start in range(0, len(sent), 20_000)]
    ((status, _, content),) = responses(server, *pieces)
    assert (status, content) == (431, {"error": TOO_MUCH})


def test_small_chunks_and_small_trailers_are_taken(server, chunked):
    body = EVENT + b" " * 10_000
    sent = chunked(*(bytes([byte]) for byte in body)) + b"a: b\r\n" * 1_000 + b"\r\n"
    pieces = [sent[start : start + 20_000] for start in range(0, len(sent), 20_000)]
    assert statuses(server, *pieces, HEALTH, count=2) == [201, 200]


def test_large_chunks_may_have_framing_in_proportion(server, chunked):
    body = EVENT + b" " * 90_000
    sent = chunked(*(body[start : start + 4] for start in range(0, len(body), 4))) + b"\r\n"
    pieces = [sent[start : start + 20_000] for start in range(0, len(sent), 20_000)]
    assert statuses(server, *pieces, HEALTH, count=2) == [201, 200]


@pytest.mark.parametrize(
    "value", [b"gzip, chunked", b"chunked, chunked", b"gzip", b"identity", b"chunked\r\nTransfer-Encoding: x"]
)
def test_the_only_transfer_encoding_is_chunked(server, chunked, value):
    sent = chunked().replace(TE, b"Transfer-Encoding: %b\r\n" % value) + b"\r\n" + HEALTH
    assert statuses(server, sent) == [400]


HTTP_1_0 = {
    "without Host": (b"GET /health HTTP/1.0\r\n\r\n", 200, "close"),
    "with Host": (b"GET /health HTTP/1.0\r\nHost: a\r\n\r\n", 200, "close"),
    "keep-alive": (b"GET /health HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200, "keep-alive"),
    "keep-alive and close": (b"GET /health HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 200, "close"),
    "an unknown option": (b"GET /health HTTP/1.0\r\nConnection: x\r\n\r\n", 200, "close"),
    "a page": (b"GET / HTTP/1.0\r\n\r\n", 200, "close"),
    "an error": (b"GET /none HTTP/1.0\r\n\r\n", 404, "close"),
    "two hosts": (b"GET /health HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400, "close"),
    "chunks": (b"POST /login HTTP/1.0\r\n" + TE + b"\r\n0\r\n\r\n", 400, "close"),
}


@pytest.mark.parametrize(("sent", "status", "connection"), HTTP_1_0.values(), ids=HTTP_1_0)
@pytest.mark.parametrize("half_closed", [False, True])
def test_http_1_0(server, sent, status, connection, half_closed):
    with server.connect() as client:
        client.sendall(sent)
        if half_closed:
            client.shutdown(socket.SHUT_WR)
        received = read_raw(client, to_the_end=half_closed or connection == "close")
    head, _, body = received.partition(b"\r\n\r\n")
    headers = [line.lower() for line in head.split(b"\r\n")[1:]]
    assert head.startswith(b"HTTP/1.1 %d" % status)
    expected = "close" if half_closed else connection
    assert [line for line in headers if line.startswith(b"connection")] == [
        b"connection: " + expected.encode()
    ]
    assert b"content-length: %d" % len(body) in headers  # and not in chunks, which HTTP/1.0 does not know


def read_raw(client, to_the_end):
    """The response as it is: all until the server closes, or what comes first."""
    received = client.recv(100_000)
    while to_the_end and (more := client.recv(100_000)):
        received += more
    return received


def test_http_1_0_connections_can_be_kept_alive(server, token):
    kept = track_request(token, more=b"Connection: keep-alive\r\n").replace(
        b"HTTP/1.1\r\nHost: a\r\n", b"HTTP/1.0\r\n"
    )
    closing = kept.replace(b"Connection: keep-alive\r\n", b"")
    assert statuses(server, kept + kept, kept, closing + kept) == [201, 201, 201, 201]


def test_http_1_0_gets_no_interim_response(server, token):
    sent = track_request(token, more=b"Expect: 100-continue\r\n").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert statuses(server, sent) == [201]


def test_the_last_response_to_a_kept_alive_http_1_0_client_says_so(server):
    server.should_exit = False
    with server.connect() as client:
        client.sendall(b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert b"connection: keep-alive" in client.recv(10_000)
        (protocol,) = server.server_state.connections
        protocol.loop.call_soon_threadsafe(protocol.shutdown)
        wait_until_handled(server)
        client.sendall(b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        received = read_raw(client, to_the_end=True)
    assert received.count(b"connection: ") == received.count(b"connection: close") == 1


HOSTS = {
    b"usage.example": 200,
    b"usage.example:8002": 200,
    b"USAGE_1.example.": 200,
    b"127.0.0.1": 200,
    b"[::1]:8002": 200,
    b"": 200,
    b"a b": 400,
    b"a/b": 400,
    b"a,b": 200,
    b"user@a": 400,
    b"a:x": 400,
    b"[::1": 400,
    b"a:1:2": 400,
    b"\xff": 400,
}


@pytest.mark.parametrize(("host", "status"), HOSTS.items(), ids=repr)
def test_the_host_must_be_a_host(v, clock, host, status):
    app = create_app(v, make_settings(allowed_hosts="*"), clock)
    with running_in_process(app) as server:
        sent = HEALTH.replace(b"Host: a", b"Host: " + host)
        assert statuses(server, sent, count=1) == [status]
        if status == 200:
            assert statuses(server, HEALTH + sent, count=2) == [200, 200]


def test_an_absolute_target_counts_instead_of_the_host(v, clock):
    app = create_app(v, make_settings(allowed_hosts="usage.example"), clock)
    with running_in_process(app) as server:
        for target, host, status in [
            ("usage.example", "evil.example", 200),
            ("evil.example", "usage.example", 421),
            ("a@usage.example", "usage.example", 400),
        ]:
            sent = f"GET http://{target}/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
            assert statuses(server, sent, count=1) == [status]


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("target", [b"http://a", b"http://a:80", b"http://a?x=1", b"HTTP://[::1]"])
def test_an_absolute_target_may_lack_its_path(v, clock, version, target):
    """The method is one of which the response is JSON."""
    app = create_app(v, make_settings(), clock)
    with running_in_process(app) as server:
        sent = b"PUT %b HTTP/%b\r\nHost: a\r\nConnection: close\r\n\r\n"
        assert statuses(server, sent % (target, version)) == [405]
