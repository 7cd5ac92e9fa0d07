"""The short way of `POST /track` responses as the general way does, and takes what is plain only."""

import asyncio
import http.client
import json
import socket
import struct
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vigility
from support.reports import totals
from support.web_client import Client, Clock, Hasher, make_settings
from support.web_server import TIMEOUT, running, wait_until
from vigility.core.errors import StoreUnavailable, VigilityError
from vigility.web import app as app_module
from vigility.web.app import create_app
from vigility.web.auth.session_cache import FRESH_SECONDS
from vigility.web.fast_path.contract import STATE

EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"
SLOW_TO_START = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(autouse=True)
def moment(monkeypatch):
    """The time, in a list, for what a worker knows of tokens and users: the test changes it."""
    time = [1_000.0]
    monkeypatch.setattr("vigility.web.auth.session_cache.monotonic", lambda: time[0])
    return time


class Responder:
    """Keeps what the short way says."""

    def __init__(self):
        self.said = asyncio.get_running_loop().create_future()

    def respond(self, status, rest):
        self.said.set_result((status, rest))

    def refuse(self, error):
        self.said.set_result(error)


def take(client, headers, body, peer=("10.1.2.3", 50_000)):
    """None where the short way does not take the request; else (status, headers, content) or an error."""

    async def taken():
        exchange = Responder()
        raw_headers = [(b"host", b"api.example"), *headers]
        if not client.state[STATE].try_handle(raw_headers, body, peer, exchange):
            return None
        said = await asyncio.wait_for(exchange.said, 60)
        if isinstance(said, VigilityError):
            return said
        head, _, content = said[1].partition(b"\r\n\r\n")
        pairs = [tuple(line.split(b": ", 1)) for line in head.split(b"\r\n")]
        return said[0], sorted(pairs), content

    return client.run(taken())


@pytest.fixture
def plain(token, client):
    """The headers of a plain request whose user is known to the worker."""
    bearer = f"Bearer {token}"
    assert client.get("/me", headers={"Authorization": bearer}).status_code == 200
    return [(b"authorization", bearer.encode()), (b"content-type", b"application/json")]


def general(client, headers, body):
    """(status, headers, content) of the same request on the general way."""
    response = client.send("POST", "/track", headers=headers, body=[body])
    return response.status_code, sorted(response.raw_headers), response.content


def alike(response):
    """An response without what differs from request to request."""
    status, headers, content = response
    event = json.loads(content)
    assert event.pop("id") > 0
    lengths = dict(headers)
    assert int(lengths.pop(b"content-length")) == len(content)
    return status, {name: value for name, value in lengths.items() if name != b"x-request-id"}, event


def test_a_plain_request_is_taken_and_answered_as_ever(client, plain):
    body = b'{"feature_name": "a"}'
    short = take(client, plain, body)
    assert alike(short) == alike(general(client, plain, body))
    assert short[0] == 201


def test_what_common_clients_add_changes_nothing(client, plain):
    more = [
        (b"connection", b"keep-alive"),
        (b"user-agent", b"x"),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"gzip"),
    ]
    assert take(client, [*plain, *more], b'{"feature_name": "a"}')[0] == 201


def test_the_id_of_the_request_is_kept(client, plain):
    headers = [*plain, (b"x-request-id", b"abc-1")]
    assert (b"x-request-id", b"abc-1") in take(client, headers, b'{"feature_name": "a"}')[1]
    made = dict(take(client, plain, b'{"feature_name": "a"}')[1])[b"x-request-id"]
    assert len(made) == 32


def test_a_repeated_event_is_200_with_the_first(client, plain):
    body = json.dumps({"feature_name": "a", "event_id": EVENT_ID}).encode()
    first, again = take(client, plain, body), take(client, plain, body)
    assert (first[0], again[0]) == (201, 200)
    assert json.loads(first[2]) == json.loads(again[2])
    assert alike(again) == alike(general(client, plain, body))


def test_a_conflict_goes_back_to_the_general_way(client, plain):
    take(client, plain, json.dumps({"feature_name": "a", "event_id": EVENT_ID}).encode())
    refused = take(client, plain, json.dumps({"feature_name": "b", "event_id": EVENT_ID}).encode())
    assert isinstance(refused, vigility.EventConflict)


@pytest.mark.parametrize(
    "changed",
    [
        [(b"cookie", b"a=b")],
        [(b"origin", b"https://evil.example")],
        [(b"expect", b"100-continue")],
        [(b"connection", b"close")],
        [(b"content-type", b"text/plain")],
        [(b"transfer-encoding", b"chunked")],
        [(b"authorization", b"Bearer x")],
        [(b"x-request-id", b"a"), (b"x-request-id", b"b")],
    ],
)
def test_what_is_unusual_is_left_alone(client, plain, changed):
    assert take(client, [*plain, *changed], b'{"feature_name": "a"}') is None
    assert "a" not in client_report(client, plain)


@pytest.mark.parametrize("more", [b'"\xff"', b"1e999", b"[]"])
def test_a_body_with_more_in_it_is_left_alone(client, plain, more):
    body = b'{"feature_name": "a", "more": ' + more + b"}"
    assert take(client, plain, body) is None
    assert general(client, plain, body)[0] == (201 if more == b"[]" else 400)


def test_a_full_queue_is_told_while_the_store_stands_still(client, plain, v, monkeypatch):
    entered, opened = threading.Event(), threading.Event()
    writer = v.events._queue
    store = writer._sink.add

    def held(records):
        entered.set()
        assert opened.wait(TIMEOUT)
        return store(records)

    monkeypatch.setattr(writer._sink, "add", held)
    monkeypatch.setattr(writer, "_capacity", 3)
    told = []

    async def crowd():
        exchange = [Responder() for _ in range(5)]
        short_way = client.state[STATE]
        body = b'{"feature_name": "a"}'
        host = (b"host", b"api.example")
        peer = ("10.1.2.3", 50_000)
        assert short_way.try_handle([host, *plain], body, peer, exchange[0])
        assert await asyncio.to_thread(entered.wait, TIMEOUT)
        told.extend(short_way.try_handle([host, *plain], body, peer, each) for each in exchange[1:])
        return exchange

    exchange = client.run(crowd())
    assert told == [True, True, True, False]
    try:
        response = client.send("POST", "/track", headers=plain, body=[b'{"feature_name": "a"}'])
    finally:
        opened.set()
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json["error"] == (
        "The database is unavailable: too many events are waiting to be stored; try again shortly"
    )

    async def answered():
        return [(await asyncio.wait_for(each.said, TIMEOUT))[0] for each in exchange[:4]]

    assert client.run(answered()) == [201] * 4


@pytest.mark.parametrize("missing", [0, 1])
def test_without_a_token_or_a_type_it_is_left_alone(client, plain, missing):
    del plain[missing]
    assert take(client, plain, b'{"feature_name": "a"}') is None


@pytest.mark.parametrize("authorization", [b"x", b"Basic abc", b"Bearer \xff", b"Bearer"])
def test_another_token_is_left_alone(client, plain, authorization):
    assert take(client, [(b"authorization", authorization), plain[1]], b'{"feature_name": "a"}') is None


def client_report(client, plain):
    response = client.get("/analytics", headers={"Authorization": plain[0][1].decode()})
    return [bar["feature"] for bar in response.json["barChartData"]]


def test_a_token_that_was_ended_is_left_alone(client, plain):
    client.post("/logout", headers={"Authorization": plain[0][1].decode()})
    assert take(client, plain, b'{"feature_name": "a"}') is None


def test_an_expired_token_is_left_alone(client, plain, clock):
    clock.move(hours=25)
    assert take(client, plain, b'{"feature_name": "a"}') is None


def test_what_the_worker_read_too_long_ago_is_not_gone_by(client, plain, moment):
    moment[0] += FRESH_SECONDS
    assert take(client, plain, b'{"feature_name": "a"}') is None


def test_what_the_worker_read_is_renewed_before_it_is_too_old(client, plain, v, monkeypatch, moment):
    read = []
    ended = v.users.sessions.revoked
    monkeypatch.setattr(v.users.sessions, "revoked", lambda: read.append(1) or ended())
    moment[0] += 1.5
    assert take(client, plain, b'{"feature_name": "a"}')[0] == 201  # the renewal runs beside the requests

    async def renewed():
        await asyncio.wait([client.state[STATE]._authenticator._session_cache._refresh])

    client.run(renewed())
    for _ in range(50):
        assert take(client, plain, b'{"feature_name": "a"}')[0] == 201
    assert len(read) == 1
    moment[0] += 1.5  # too old for what was read first
    assert take(client, plain, b'{"feature_name": "a"}')[0] == 201


def test_a_store_that_fails_is_told_on_the_general_way(client, plain, v, monkeypatch):
    def unavailable(*_):
        raise StoreUnavailable("usage.db: disk I/O error", "its disk fails")

    monkeypatch.setattr(v.events._queue._sink, "add", unavailable)
    monkeypatch.setattr(v.events._queue, "_retry_seconds", 0)
    assert isinstance(take(client, plain, b'{"feature_name": "a"}'), StoreUnavailable)


VALUES = st.one_of(st.text(max_size=101), st.none(), st.integers(), st.just(EVENT_ID), st.booleans())
BODIES = st.one_of(
    st.fixed_dictionaries({"feature_name": VALUES}, optional={"event_id": VALUES, "more": VALUES}).map(
        lambda members: json.dumps(members).encode("utf-8", "surrogatepass")
    ),
    st.sampled_from([b"", b"[]", b"{}", b"null", b"{", b"\xff", b'{"feature_name":"a","feature_name":"b"}']),
    st.binary(max_size=20),
)


@SLOW_TO_START
@given(body=BODIES)
def test_whatever_is_sent_is_answered_alike(body):
    """Two worlds with one history each: what one way stores the other must not know."""
    outcomes = []
    for way in (take, general):
        v = vigility.connect("memory:", clock=Clock(), hasher=Hasher())
        client = Client(create_app(v, make_settings(), Clock()))
        try:
            bearer = f"Bearer {client.register()}"
            client.get("/me", headers={"Authorization": bearer})
            headers = [(b"authorization", bearer.encode()), (b"content-type", b"application/json")]
            outcomes.append(way(client, headers, body))
        finally:
            client.close()
    short, ordinary = outcomes
    if short is None:
        return
    assert alike(short) == alike(ordinary)
    assert short[0] == 201


def test_its_line_in_the_log_is_the_same(v, clock, monkeypatch):
    written = []
    monkeypatch.setattr(app_module, "to_stdout", written.append)
    client = Client(create_app(v, make_settings(access_log="on", trusted_proxies="10.0.0.0/8"), clock))
    try:
        bearer = f"Bearer {client.register()}"
        client.get("/me", headers={"Authorization": bearer})
        headers = [
            (b"authorization", bearer.encode()),
            (b"content-type", b"application/json"),
            (b"x-forwarded-for", b"192.0.2.7"),
            (b"x-request-id", b"abc"),
        ]
        take(client, headers, b'{"feature_name": "a"}')
        general(client, headers, b'{"feature_name": "a"}')
    finally:
        client.close()
    short, ordinary = (json.loads(line) for line in written[-2:])
    for line in (short, ordinary):
        line.pop("time")
        assert line.pop("ms") >= 0
    assert short == ordinary
    assert short["address"] == "192.0.2.7"


def test_it_is_measured_like_the_general_way(client, plain):
    for way in (take, general):
        way(client, plain, b'{"feature_name": "a"}')
    text = client.get("/metrics").text
    assert 'vigility_http_requests_total{method="POST",route="/track",status="201"} 2.0' in text
    assert 'vigility_http_request_seconds_count{method="POST",route="/track"} 2.0' in text
    assert "vigility_events_stored_total 2.0" in text


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("express"), workers=1) as server:
        yield server


@pytest.fixture(scope="module")
def request_of(server):
    """Makes raw requests of a user whom the only worker knows."""
    bearer = server.register()
    with server.connect() as client:
        assert client.send("GET", "/me", headers=bearer)[0] == 200

    def made(body, *, more=b"", path=b"/track", length=None):
        return (
            b"POST %b HTTP/1.1\r\nHost: a\r\nAuthorization: %b\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n%b\r\n%b"
            % (path, bearer["Authorization"].encode(), length or len(body), more, body)
        )

    return made


GOOD = b'{"feature_name": "a"}'
LAST = b"Connection: close\r\n"


def responses(server, sent):
    """(status, content) of every response to these bytes, the last of which ends the connection."""
    found = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.sendall(sent)
        with connection.makefile("rb") as stream:
            while line := stream.readline():
                length = int(http.client.parse_headers(stream)["Content-Length"])
                found.append((int(line.split()[1]), json.loads(stream.read(length))))
    return found


def test_requests_one_behind_the_other_are_answered_in_order(server, request_of):
    # Every third goes the general way.
    sent = [
        request_of(b'{"feature_name": "f%d"}' % n, more=b"X-Request-ID: a\r\nCookie: a=b\r\n" * (n % 3 == 0))
        for n in range(40)
    ]
    found = responses(server, b"".join(sent) + request_of(GOOD, more=LAST))
    assert [status for status, _ in found] == [201] * 41
    assert [event["featureName"] for _, event in found] == [*(f"f{n}" for n in range(40)), "a"]


@pytest.mark.parametrize("size", [5_000, 70_000, 90_000, 200_000, 2_000_000])
def test_a_large_body_goes_the_general_way(server, request_of, size):
    body = json.dumps({"feature_name": "a", "more": "x" * size}).encode()
    ((status, _),) = responses(server, request_of(body, more=LAST))
    assert status == (201 if size < 100_000 else 413)


def test_a_large_body_in_company(server, request_of):
    body = json.dumps({"feature_name": "large", "more": "x" * 90_000}).encode()
    found = responses(
        server, request_of(GOOD) + request_of(body) + request_of(GOOD) + request_of(GOOD, more=LAST)
    )
    assert [event["featureName"] for _, event in found] == ["a", "large", "a", "a"]


def test_a_body_that_comes_in_pieces(server, request_of):
    sent = request_of(GOOD, more=LAST)
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in sent:
            connection.sendall(bytes([byte]))
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 201")


def test_a_refusal_is_answered_by_the_general_way(server, request_of):
    body = b'{"feature_name": "%b", "event_id": "%b"}'
    first = request_of(body % (b"a", EVENT_ID.encode()))
    other = request_of(body % (b"b", EVENT_ID.encode()))
    found = responses(server, first + other + request_of(GOOD, more=LAST))
    assert [status for status, _ in found] == [201, 409, 201]
    assert list(found[1][1]) == ["error"]


def test_a_sender_who_leaves_is_stored_all_the_same(server, request_of):
    body = b'{"feature_name": "left"}'
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as connection:
        connection.sendall(request_of(body))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with vigility.connect(f"{server.folder}/usage.db") as v:
        wait_until(
            lambda: "left" in totals(v.report()),
            "the event of a sender who left was not stored",
        )
    ((status, _),) = responses(server, request_of(GOOD, more=LAST))
    assert status == 201
