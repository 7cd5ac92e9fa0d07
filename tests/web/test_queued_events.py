"""`POST /track` where events go to a sink that only queues them, such as a stream: 202 with the event_id."""

import json

import pytest

from support.in_process_server import read_responses, running_in_process, track_request
from support.web_client import ADA, json_bytes, make_settings
from vigility.core.events.group_commit import GroupCommit
from vigility.core.events.ports import InsertResult
from vigility.web.app import create_app
from vigility.web.fast_path import handler
from vigility.web.fast_path.event_writer import track_response

EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"
LAST = b"Connection: close\r\n"


class Queue:
    """A sink that keeps what it is given, and gives it no ids."""

    assigns_ids = False

    def __init__(self):
        self.records = []

    def add(self, records):
        self.records += records
        return InsertResult(ids=[None] * len(records))


@pytest.fixture(autouse=True)
def queue(v, monkeypatch):
    queue = Queue()
    monkeypatch.setattr(v.events, "_queue", GroupCommit(queue))
    yield queue
    v.events.close()


def test_an_event_that_is_queued_is_202_with_its_event_id(client, bearer):
    response = client.post("/track", {"feature_name": "a", "event_id": EVENT_ID}, headers=bearer)
    assert response.status_code == 202
    assert list(response.json) == ["eventId", "userId", "featureName", "timestamp"]
    assert response.json == {
        "eventId": EVENT_ID,
        "userId": 1,
        "featureName": "a",
        "timestamp": "2026-03-01T12:00:00.000Z",
    }
    again = client.post("/track", {"feature_name": "a", "event_id": EVENT_ID}, headers=bearer)
    assert (again.status_code, again.json) == (202, response.json)


def test_an_event_without_an_event_id_gets_one(queue, client, bearer):
    response = client.post("/track", {"feature_name": "a"}, headers=bearer)
    assert response.status_code == 202
    assert response.json["eventId"] == queue.records[0].event_id


def test_the_fast_path_responds_the_same_and_counts_it(v, clock, monkeypatch):
    on_the_fast_path = []
    monkeypatch.setattr(
        handler, "track_response", lambda stored: on_the_fast_path.append(1) or track_response(stored)
    )
    monkeypatch.setattr("vigility.web.auth.session_cache.monotonic", lambda: 1_000.0)
    with running_in_process(create_app(v, make_settings(), clock)) as server:
        with server.connect() as connection:
            connection.sendall(track_request("x", json_bytes(ADA), path=b"/register"))
            token = read_responses(connection, 1)[0][2]["token"]
            body = json.dumps({"feature_name": "a", "event_id": EVENT_ID}).encode()
            connection.sendall(track_request(token, body))
            normal = read_responses(connection, 1)[0]
            connection.sendall(track_request(token, body, more=b"X-Request-ID: fast\r\n"))
            fast = read_responses(connection, 1)[0]
        assert (normal[0], fast[0]) == (202, 202)
        assert on_the_fast_path == [1]
        assert (
            normal[2]
            == fast[2]
            == {
                "eventId": EVENT_ID,
                "userId": 1,
                "featureName": "a",
                "timestamp": "2026-03-01T12:00:00.000Z",
            }
        )
        with server.connect() as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n" + LAST + b"\r\n")
            text = b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
    assert 'vigility_http_requests_total{method="POST",route="/track",status="202"} 2.0' in text
    assert "vigility_events_stored_total 0.0" in text, "the worker behind the queue counts them"


def test_a_batch_that_is_only_queued_is_not_counted_as_stored(queue, client, bearer):
    body = {"events": [{"feature_name": "a"}, {"feature_name": "b", "event_id": EVENT_ID}]}
    response = client.post("/track/batch", body, headers=bearer)
    assert (response.status_code, response.json["accepted"]) == (200, 2)
    assert all(record.event_id for record in queue.records)
    assert "vigility_events_stored_total 0.0" in client.get("/metrics").text
