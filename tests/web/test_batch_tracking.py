"""`POST /track/batch`: valid events are stored, the others reported by index."""

from datetime import timedelta

import pytest

from support.reports import daily

EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"


def send(client, bearer, *events):
    return client.post("/track/batch", {"events": list(events)}, headers=bearer)


def test_events_are_counted_at_their_own_time(client, bearer, v, clock):
    yesterday = (clock.now - timedelta(days=1)).isoformat()
    events = [{"feature_name": "x", "timestamp": yesterday}, {"feature_name": "x"}]
    response = send(client, bearer, *events)
    assert (response.status_code, response.json) == (200, {"accepted": 2, "duplicates": 0, "rejected": []})
    assert [count for _, count in daily(v.report(feature="x"))] == [1, 1]


def test_invalid_events_are_reported_by_index_and_the_others_stored(client, bearer, v, clock):
    ahead = (clock.now + timedelta(minutes=5, seconds=1)).isoformat()
    old = (clock.now - timedelta(days=3654)).isoformat()
    invalid = [
        {"feature_name": "x", "timestamp": ahead},
        {"feature_name": "x", "timestamp": old},
        {"feature_name": ""},
        {"feature_name": 5},
        {"feature_name": "x", "event_id": "7"},
        {"feature_name": "x", "event_id": {}},
        {"timestamp": "noon", "feature_name": "x"},
    ]
    response = send(client, bearer, *invalid, {"feature_name": "x"})
    assert response.json["accepted"] == 1
    assert [entry["index"] for entry in response.json["rejected"]] == list(range(7))
    errors = [entry["error"] for entry in response.json["rejected"]]
    assert "must lie between" in errors[0]
    assert "must lie between" in errors[1]
    assert errors[2] == "feature_name is required"
    assert v.report().total == 1


def test_the_bounds_of_accepted_times(client, bearer, clock):
    for at in (clock.now + timedelta(minutes=5), clock.now - timedelta(days=3653)):
        assert send(client, bearer, {"feature_name": "x", "timestamp": at.isoformat()}).json["accepted"] == 1


def test_an_event_id_counts_once_across_both_endpoints(client, bearer, v):
    event = {"feature_name": "x", "event_id": EVENT_ID}
    assert client.post("/track", event, headers=bearer).status_code == 201
    response = send(client, bearer, event, event, {"feature_name": "y", "event_id": EVENT_ID})
    assert (response.json["accepted"], response.json["duplicates"]) == (0, 2)
    assert "already used" in response.json["rejected"][0]["error"]
    assert client.post("/track", event, headers=bearer).status_code == 200
    assert v.report().total == 1


@pytest.mark.parametrize(
    "body", [{}, {"events": []}, {"events": {}}, {"events": [5]}, [], {"events": [{}] * 5_001}], ids=range(6)
)
def test_an_invalid_batch_is_refused(client, bearer, v, body):
    response = client.post("/track/batch", body, headers=bearer)
    assert response.status_code == 400
    assert response.json["error"]
    assert v.report().total == 0


def test_an_event_with_unknown_members_is_rejected_by_name(client, bearer, v):
    response = send(
        client,
        bearer,
        {"feature_name": "x", "time": "2026-02-27T09:00:00Z"},
        {"feature_name": "x"},
        {"feature_name": ""},
        {"feature_name": "x", "b": 1, "a": 2, "timestamp": None},
        {"feature_name": "x"},
    )
    assert (response.status_code, response.json["accepted"]) == (200, 2)
    allowed = "allowed: feature_name, timestamp, event_id"
    assert response.json["rejected"] == [
        {"index": 0, "error": f"Unknown member 'time'; {allowed}"},
        {"index": 2, "error": "feature_name is required"},
        {"index": 3, "error": f"Unknown member 'a', 'b'; {allowed}"},
    ]
    assert v.report().total == 2


@pytest.mark.parametrize("path", ["/track", "/track/batch"])
def test_parameters_in_the_query_are_refused_by_name(client, bearer, v, path):
    body = {"feature_name": "x"} if path == "/track" else {"events": [{"feature_name": "x"}]}
    response = client.post(f"{path}?timestamp=2026-02-27T09:00:00Z", body, headers=bearer)
    assert (response.status_code, response.json["error"]) == (
        400,
        "Unknown parameter 'timestamp'; allowed: none",
    )
    assert v.report().total == 0


def test_a_batch_with_unknown_members_is_refused_by_name(client, bearer, v):
    body = {"events": [{"feature_name": "x"}], "user": "ada"}
    response = client.post("/track/batch", body, headers=bearer)
    assert (response.status_code, response.json["error"]) == (400, "Unknown member 'user'; allowed: events")
    assert v.report().total == 0


def test_a_batch_is_refused_if_too_many_wait(client, bearer, v, monkeypatch):
    monkeypatch.setattr("vigility.web.http.executors.MAX_WAITING_BATCHES", 0)
    response = client.post("/track/batch", {"events": [{"feature_name": "a"}]}, headers=bearer)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert v.report().total == 0


def test_a_batch_requires_a_token(client):
    assert send(client, {}, {"feature_name": "x"}).status_code == 401


def test_a_batch_over_2_mib_is_refused(client, bearer):
    response = send(client, bearer, {"feature_name": "x" * (2 * 1024 * 1024)})
    assert response.status_code == 413
