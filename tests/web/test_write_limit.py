"""One user may send so many events a minute; the others are not affected."""

import pytest

from support.web_client import ADA
from vigility.web.http import write_limit
from vigility.web.http.write_limit import TooManyEvents, WriteLimit


class Moment:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def moment():
    return Moment()


def sent(limit, user=1):
    """Events that a user can send at once."""
    count = 0
    while count < 1_000:
        try:
            limit.check(user)
        except TooManyEvents:
            return count
        limit.count(user, 1)
        count += 1
    return count


def test_a_minutes_events_can_be_sent_at_once_and_come_back_evenly(moment):
    limit = WriteLimit(60, moment)
    assert sent(limit) == 60
    with pytest.raises(TooManyEvents) as refused:
        limit.check(1)
    assert refused.value.seconds == 1
    moment.now += 10
    assert sent(limit) == 10
    moment.now += 3_600
    assert sent(limit) == 60


def test_users_are_counted_apart(moment):
    limit = WriteLimit(5, moment)
    assert sent(limit, 1) == sent(limit, 2) == 5


def test_a_batch_larger_than_what_is_left_is_taken_and_paid_for(moment):
    limit = WriteLimit(60, moment)
    limit.check(1)
    limit.count(1, 600)
    with pytest.raises(TooManyEvents) as refused:
        limit.check(1)
    assert refused.value.seconds == 541
    moment.now += 541
    limit.check(1)


def test_users_who_could_send_everything_again_are_forgotten(moment, monkeypatch):
    monkeypatch.setattr(write_limit, "_USERS", 10)
    limit = WriteLimit(60, moment)
    for user in range(1_000):
        limit.count(user, 1)
        moment.now += 1
        assert len(limit._full_at) <= 11


def test_too_many_events_get_429_on_both_endpoints_and_others_go_on(open_client):
    client = open_client(events_per_minute=5)
    ada = {"Authorization": f"Bearer {client.register()}"}
    bob = {"Authorization": f"Bearer {client.register(username='bob')}"}
    event = {"feature_name": "x"}
    assert [client.post("/track", event, headers=ada).status_code for _ in range(6)] == [201] * 5 + [429]
    refused = client.post("/track/batch", {"events": [event]}, headers=ada)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 12
    assert client.post("/track/batch", {"events": [event] * 30}, headers=bob).json["accepted"] == 30
    assert client.post("/track", event, headers=bob).status_code == 429
    assert client.get("/analytics", headers=ada).json["barChartData"] == [{"feature": "x", "count": 35}]


def test_by_default_there_is_no_limit(client, bearer):
    events = {"events": [{"feature_name": "x"}] * 5_000}
    for _ in range(3):
        assert client.post("/track/batch", events, headers=bearer).json["accepted"] == 5_000
    assert ADA["username"] == client.get("/me", headers=bearer).json["user"]["username"]
