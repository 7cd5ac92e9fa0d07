"""A sink that only queues, as a stream does: its events have no integer id, and so each has an event_id."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import vigility
from vigility.adapters.memory.backend import open_memory
from vigility.core.events.group_commit import GroupCommit
from vigility.core.events.ports import InsertResult
from vigility.core.service import Vigility

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENT_ID = "00000000-0000-4000-8000-000000000001"


class QueueingSink:
    """Keeps what it gets, and gives no ids."""

    assigns_ids = False

    def __init__(self):
        self.records = []

    def add(self, records):
        self.records += records
        return InsertResult(ids=[None] * len(records))


@pytest.fixture
def sink():
    return QueueingSink()


@pytest.fixture
def v(sink):
    installation = replace(open_memory(), sink=sink)
    with Vigility(installation, GroupCommit(sink), hasher=None, clock=lambda: NOW) as v:
        v.users.add_without_password("ada", 36, "Female")
        yield v


def test_an_event_without_id_gets_an_event_id_at_ingest(v, sink):
    event = v.track("ada", "date_filter")
    assert event.id is None
    assert uuid.UUID(event.event_id).version == 7
    assert [record.event_id for record in sink.records] == [event.event_id]


def test_the_senders_event_id_is_kept(v, sink):
    assert v.track("ada", "date_filter", event_id=EVENT_ID).event_id == EVENT_ID
    assert v.track_many([vigility.NewEvent("ada", "a", None, EVENT_ID)]).accepted == 1
    assert [record.event_id for record in sink.records] == [EVENT_ID, EVENT_ID]


def test_each_event_of_a_batch_gets_its_own(v, sink):
    result = v.track_many([vigility.NewEvent("ada", "a"), vigility.NewEvent("ada", "a")])
    assert (result.accepted, result.duplicates) == (2, 0)
    assert len({record.event_id for record in sink.records}) == 2


def test_a_queued_event_too(v, sink):
    outcomes = []
    v.events.enqueue(v.users.get("ada"), "a", None, outcomes.append)
    assert v.flush(60)
    assert [(outcome.id, outcome.record) for outcome in outcomes] == [(None, sink.records[0])]
    assert sink.records[0].event_id


def test_ids_are_injected(sink):
    from vigility.core.events.tracking import Tracker

    users = open_memory().users
    users.add(vigility.NewUser(username="ada", age=36, gender=vigility.Gender.FEMALE, created=NOW))
    tracker = Tracker(users, GroupCommit(sink), lambda: NOW, lambda _: EVENT_ID)
    assert tracker.submit(vigility.NewEvent("ada", "a")).result(60).record.event_id == EVENT_ID
    tracker.close()


def test_whether_accepted_events_are_stored_or_only_queued(v):
    assert not v.events.stores_events
    with vigility.connect("memory:") as storing:
        assert storing.events.stores_events
