"""The fast path of `POST /track` responds as the normal path does, and handles only plain requests."""

import asyncio
import json
import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vigility
from support.web_client import Client, Clock, Hasher, make_settings
from support.web_server import TIMEOUT
from vigility.core.errors import StoreUnavailable, VigilityError
from vigility.web.app import create_app
from vigility.web.auth.session_cache import FRESH_SECONDS
from vigility.web.fast_path.contract import STATE
from vigility.web.middleware import access_log

EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"
WITH_FIXTURES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(autouse=True)
def moment(monkeypatch):
    """The time of the session cache, in a list. It stands still until the test changes it."""
    time = [1_000.0]
    monkeypatch.setattr("vigility.web.auth.session_cache.monotonic", lambda: time[0])
    return time


class Responder:
    """Records the response of the fast path."""

    def __init__(self):
        self.response = asyncio.get_running_loop().create_future()

    def respond(self, status, rest):
        self.response.set_result((status, rest))

    def refuse(self, error):
        self.response.set_result(error)


def fast(client, headers, body, peer=("10.1.2.3", 50_000), host=b"api.example"):
    """Send a request on the fast path: (status, headers, content), an error, or None if it declines."""

    async def handled():
        responder = Responder()
        raw_headers = [(b"host", host), *headers]
        if not client.state[STATE].try_handle(raw_headers, body, peer, responder):
            return None
        response = await asyncio.wait_for(responder.response, 60)
        if isinstance(response, VigilityError):
            return response
        head, _, content = response[1].partition(b"\r\n\r\n")
        pairs = [tuple(line.split(b": ", 1)) for line in head.split(b"\r\n")]
        return response[0], sorted(pairs), content

    return client.run(handled())


@pytest.fixture
def plain(token, client):
    """The headers of a plain request whose user is known to the worker."""
    bearer = f"Bearer {token}"
    assert client.get("/me", headers={"Authorization": bearer}).status_code == 200
    return [(b"authorization", bearer.encode()), (b"content-type", b"application/json")]


def normal(client, headers, body):
    """Send the same request on the normal path. Returns (status, headers, content)."""
    response = client.send("POST", "/track", headers=headers, body=[body])
    return response.status_code, sorted(response.raw_headers), response.content


def comparable(response):
    """A response without what differs between requests."""
    status, headers, content = response
    event = json.loads(content)
    assert event.pop("id") > 0
    lengths = dict(headers)
    assert int(lengths.pop(b"content-length")) == len(content)
    return status, {name: value for name, value in lengths.items() if name != b"x-request-id"}, event


def test_a_plain_request_is_handled_with_the_same_response(client, plain):
    body = b'{"feature_name": "a"}'
    fast_response = fast(client, plain, body)
    assert comparable(fast_response) == comparable(normal(client, plain, body))
    assert fast_response[0] == 201


def test_headers_of_common_clients_change_nothing(client, plain):
    more = [
        (b"connection", b"keep-alive"),
        (b"user-agent", b"x"),
        (b"accept", b"*/*"),
        (b"accept-encoding", b"gzip"),
    ]
    assert fast(client, [*plain, *more], b'{"feature_name": "a"}')[0] == 201


def test_the_id_of_the_request_is_kept(client, plain):
    headers = [*plain, (b"x-request-id", b"abc-1")]
    assert (b"x-request-id", b"abc-1") in fast(client, headers, b'{"feature_name": "a"}')[1]
    generated = dict(fast(client, plain, b'{"feature_name": "a"}')[1])[b"x-request-id"]
    assert len(generated) == 32


def test_a_repeated_event_is_200_with_the_first(client, plain):
    body = json.dumps({"feature_name": "a", "event_id": EVENT_ID}).encode()
    first, again = fast(client, plain, body), fast(client, plain, body)
    assert (first[0], again[0]) == (201, 200)
    assert json.loads(first[2]) == json.loads(again[2])
    assert comparable(again) == comparable(normal(client, plain, body))


def test_a_conflict_falls_back_to_the_normal_path(client, plain):
    fast(client, plain, json.dumps({"feature_name": "a", "event_id": EVENT_ID}).encode())
    refused = fast(client, plain, json.dumps({"feature_name": "b", "event_id": EVENT_ID}).encode())
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
        [(b"content-encoding", b"gzip")],
        [(b"authorization", b"Bearer x")],
        [(b"x-request-id", b"a"), (b"x-request-id", b"b")],
    ],
)
def test_unusual_requests_are_declined(client, plain, changed):
    assert fast(client, [*plain, *changed], b'{"feature_name": "a"}') is None
    assert "a" not in client_report(client, plain)


@pytest.mark.parametrize("more", [b'"\xff"', b"1e999", b"[]"])
def test_bodies_with_further_members_are_refused_on_both_paths(client, plain, more):
    body = b'{"feature_name": "a", "more": ' + more + b"}"
    assert fast(client, plain, body) is None
    assert normal(client, plain, body)[0] == 400
    assert client_report(client, plain) == []


def test_an_event_can_have_a_time_of_its_own(client, plain, clock):
    yesterday = (clock.now - timedelta(days=1)).isoformat()
    body = json.dumps({"feature_name": "a", "timestamp": yesterday}).encode()
    fast_response = fast(client, plain, body)
    assert comparable(fast_response) == comparable(normal(client, plain, body))
    assert json.loads(fast_response[2])["timestamp"] == "2026-02-28T12:00:00.000Z"


def test_a_time_outside_of_the_window_is_declined(client, plain, clock):
    tomorrow = (clock.now + timedelta(days=1)).isoformat()
    body = json.dumps({"feature_name": "a", "timestamp": tomorrow}).encode()
    assert fast(client, plain, body) is None
    assert b"must lie between" in normal(client, plain, body)[2]


def test_a_full_queue_is_reported_while_the_database_hangs(client, plain, v, monkeypatch):
    entered, opened = threading.Event(), threading.Event()
    writer = v.events._queue
    store = writer._sink.add

    def blocked(records):
        entered.set()
        assert opened.wait(TIMEOUT)
        return store(records)

    monkeypatch.setattr(writer._sink, "add", blocked)
    monkeypatch.setattr(writer, "_capacity", 3)
    accepted = []

    async def send_five():
        responders = [Responder() for _ in range(5)]
        fast_path = client.state[STATE]
        body = b'{"feature_name": "a"}'
        host = (b"host", b"api.example")
        peer = ("10.1.2.3", 50_000)
        assert fast_path.try_handle([host, *plain], body, peer, responders[0])
        assert await asyncio.to_thread(entered.wait, TIMEOUT)
        accepted.extend(fast_path.try_handle([host, *plain], body, peer, each) for each in responders[1:])
        return responders

    responders = client.run(send_five())
    assert accepted == [True, True, True, False]
    try:
        response = client.send("POST", "/track", headers=plain, body=[b'{"feature_name": "a"}'])
    finally:
        opened.set()
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json["error"] == (
        "The database is unavailable: too many events are waiting to be stored; try again shortly"
    )

    async def answered():
        return [(await asyncio.wait_for(each.response, TIMEOUT))[0] for each in responders[:4]]

    assert client.run(answered()) == [201] * 4


@pytest.mark.parametrize("missing", [0, 1])
def test_requests_without_token_or_content_type_are_declined(client, plain, missing):
    del plain[missing]
    assert fast(client, plain, b'{"feature_name": "a"}') is None


@pytest.mark.parametrize("authorization", [b"x", b"Basic abc", b"Bearer \xff", b"Bearer"])
def test_other_authorizations_are_declined(client, plain, authorization):
    assert fast(client, [(b"authorization", authorization), plain[1]], b'{"feature_name": "a"}') is None


def client_report(client, plain):
    response = client.get("/analytics", headers={"Authorization": plain[0][1].decode()})
    return [bar["feature"] for bar in response.json["barChartData"]]


@pytest.mark.parametrize(("host", "taken"), [(b"localhost:8002", True), (b"evil.example", False)])
def test_a_host_is_declined_until_the_normal_path_has_accepted_it(client, plain, host, taken):
    assert fast(client, plain, b'{"feature_name": "a"}', host=host) is None
    client.send("GET", "/health", host=host)
    assert (fast(client, plain, b'{"feature_name": "a"}', host=host) is not None) == taken


def test_a_revoked_token_is_declined(client, plain):
    client.post("/logout", headers={"Authorization": plain[0][1].decode()})
    assert fast(client, plain, b'{"feature_name": "a"}') is None


def test_an_expired_token_is_declined(client, plain, clock):
    clock.move(hours=25)
    assert fast(client, plain, b'{"feature_name": "a"}') is None


def test_an_outdated_session_cache_is_not_used(client, plain, moment):
    moment[0] += FRESH_SECONDS
    assert fast(client, plain, b'{"feature_name": "a"}') is None


def test_the_session_cache_is_refreshed_before_it_is_outdated(client, plain, v, monkeypatch, moment):
    read = []
    revoked_after = v.users.sessions.revoked_after
    monkeypatch.setattr(
        v.users.sessions, "revoked_after", lambda position: read.append(1) or revoked_after(position)
    )
    moment[0] += 1.5
    assert fast(client, plain, b'{"feature_name": "a"}')[0] == 201  # the cache is refreshed in the background

    async def refreshed():
        await asyncio.wait([client.state[STATE]._authenticator._session_cache._refresh])

    client.run(refreshed())
    for _ in range(50):
        assert fast(client, plain, b'{"feature_name": "a"}')[0] == 201
    assert len(read) == 1
    moment[0] += 1.5  # what was read first is outdated now
    assert fast(client, plain, b'{"feature_name": "a"}')[0] == 201


def test_a_failing_database_falls_back_to_the_normal_path(client, plain, v, monkeypatch):
    def unavailable(*_):
        raise StoreUnavailable("usage.db: disk I/O error", "its disk fails")

    monkeypatch.setattr(v.events._queue._sink, "add", unavailable)
    monkeypatch.setattr(v.events._queue, "_retry_seconds", 0)
    assert isinstance(fast(client, plain, b'{"feature_name": "a"}'), StoreUnavailable)


TIMES = ("2026-03-01T12:00:00Z", "2026-02-27T00:00:00+14:00", "2026-03-02T12:00:00Z", "2026-03-01")
VALUES = st.one_of(
    st.text(max_size=101),
    st.none(),
    st.integers(),
    st.just(EVENT_ID),
    st.booleans(),
    st.sampled_from(TIMES),
    st.sampled_from(["e\u0301", "a\u200db"]),
)
BODIES = st.one_of(
    st.fixed_dictionaries(
        {"feature_name": VALUES}, optional={"event_id": VALUES, "timestamp": VALUES, "more": VALUES}
    ).map(lambda members: json.dumps(members).encode("utf-8", "surrogatepass")),
    st.sampled_from([b"", b"[]", b"{}", b"null", b"{", b"\xff", b'{"feature_name":"a","feature_name":"b"}']),
    st.binary(max_size=20),
)


@WITH_FIXTURES
@given(body=BODIES)
def test_any_body_gets_the_same_response_on_both_paths(body):
    """Each path has its own database, because it must not see what the other has stored."""
    outcomes = []
    for path in (fast, normal):
        v = vigility.connect("memory:", clock=Clock(), hasher=Hasher())
        client = Client(create_app(v, make_settings(), Clock()))
        try:
            bearer = f"Bearer {client.register()}"
            client.get("/me", headers={"Authorization": bearer})
            headers = [(b"authorization", bearer.encode()), (b"content-type", b"application/json")]
            outcomes.append(path(client, headers, body))
        finally:
            client.close()
    fast_response, normal_response = outcomes
    if fast_response is None:
        return
    assert comparable(fast_response) == comparable(normal_response)
    assert fast_response[0] == 201


def test_the_access_log_is_the_same(v, clock, monkeypatch):
    written = []
    monkeypatch.setattr(access_log, "StandardOutput", lambda: written.append)
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
        fast(client, headers, b'{"feature_name": "a"}')
        normal(client, headers, b'{"feature_name": "a"}')
    finally:
        client.close()
    fast_response, normal_response = (json.loads(line) for line in b"".join(written).splitlines()[-2:])
    for line in (fast_response, normal_response):
        line.pop("time")
        assert line.pop("ms") >= 0
    assert fast_response == normal_response
    assert fast_response["address"] == "192.0.2.7"


def test_the_metrics_are_the_same(client, plain):
    for path in (fast, normal):
        path(client, plain, b'{"feature_name": "a"}')
    text = client.get("/metrics").text
    assert 'vigility_http_requests_total{method="POST",route="/track",status="201"} 2.0' in text
    assert 'vigility_http_request_seconds_count{method="POST",route="/track"} 2.0' in text
    assert "vigility_events_stored_total 2.0" in text
