import gc
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from queue import Queue

import pytest

import vigility
from support.reports import daily, totals
from vigility import EventConflict, Filters, InvalidInput, NewEvent, UnknownUser
from vigility.core.events.model import EventRecord
from vigility.core.times import Span, to_micros

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"


@pytest.fixture
def v():
    with vigility.connect("memory:", clock=lambda: NOW) as opened:
        opened.users.add_without_password("ada", 36, "Female")
        opened.users.add_without_password("bob", 17, "Male")
        yield opened


def counted(v, **filters):
    return totals(v.report(Filters(**filters)))


def test_an_event_has_the_age_and_gender_of_its_user_and_the_time_of_the_clock(v):
    event = v.track("bob", "export")
    assert (event.user_id, event.feature, event.at, event.age, event.gender) == (2, "export", NOW, 17, "Male")
    assert event.event_id is None


def test_an_event_can_have_a_time_of_its_own(v):
    assert v.track("ada", "x", "2026-01-01T00:00:00+01:00").at == datetime(2025, 12, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "error", "message"),
    [
        (("eve", "x"), UnknownUser, "no user is named 'eve'"),
        (("", "x"), InvalidInput, "username is required"),
        (("ada", ""), InvalidInput, "feature_name is required"),
        (("ada", ["x"]), InvalidInput, "feature_name must be text"),
        (("ada", "x", "noon"), InvalidInput, "timestamp must be"),
        (("ada", "x", None, "7"), InvalidInput, "event_id must be a UUID"),
        (("ada", "x", None, ""), InvalidInput, "event_id must be a UUID"),
        (("ada", "x", None, {}), InvalidInput, "event_id must be a UUID"),
        ((["ada"], "x"), InvalidInput, "username must be text"),
        (("a\ud800", "x"), InvalidInput, "control characters"),
    ],
    ids=ascii,
)
def test_a_refused_event_stores_nothing(v, event, error, message):
    with pytest.raises(error, match=message):
        v.track(*event)
    many = v.track_many([NewEvent(*event)])
    assert isinstance(many.rejected[0].error, error)
    assert counted(v) == {}


def test_a_repeated_event_id_counts_once_and_returns_the_first_event(v):
    first = v.track("ada", "x", event_id=EVENT_ID)
    again = v.track("ada", "x", NOW - timedelta(days=1), event_id=EVENT_ID.upper())
    assert again == first
    assert counted(v) == {"x": 1}


def test_an_event_id_of_another_feature_is_a_conflict(v):
    v.track("ada", "x", event_id=EVENT_ID)
    message = f"event_id {EVENT_ID} is already used by the user's event of another feature"
    with pytest.raises(EventConflict, match=message):
        v.track("ada", "y", event_id=EVENT_ID)
    assert counted(v) == {"x": 1}


def test_an_event_id_of_another_user_is_not_in_the_way(v):
    v.track("bob", "y", event_id=EVENT_ID)
    first = v.track("ada", "x", event_id=EVENT_ID)
    assert v.track("ada", "x", event_id=EVENT_ID) == first
    assert counted(v) == {"x": 1, "y": 1}


def test_equal_events_without_an_id_all_count(v):
    v.track_many([NewEvent("ada", "x", NOW)] * 130)
    assert counted(v) == {"x": 130}


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_rejected_events_are_reported_by_index_whatever_the_batch_size(v, batch_size):
    events = [
        NewEvent("ada", "x", event_id=EVENT_ID),
        NewEvent("eve", "x"),
        NewEvent("ada", "x", event_id=EVENT_ID),
        NewEvent("ada", " "),
        NewEvent("ada", "y", event_id=EVENT_ID),
        NewEvent("bob", "y", event_id=EVENT_ID),
    ]
    outcome = v.track_many(iter(events), batch_size=batch_size)
    assert (outcome.accepted, outcome.duplicates) == (2, 1)
    assert [(entry.index, type(entry.error)) for entry in outcome.rejected] == [
        (1, UnknownUser),
        (3, InvalidInput),
        (4, EventConflict),
    ]
    assert counted(v) == {"x": 1, "y": 1}


@pytest.mark.parametrize("times", [1, 2, 10])
def test_repeated_times_count_for_each_event(v, times):
    texts = ["2026-01-02T00:00:00Z", "2026-01-02T01:00:00+01:00", "2026-01-01T23:59:59Z"]
    invalid = ["yesterday", "2026-13-01T00:00:00Z"]
    assert v.track_many([NewEvent("ada", "x", at) for at in texts] * times).accepted == 3 * times
    outcome = v.track_many([NewEvent("ada", "x", at) for at in (*invalid, *texts)] * times)
    assert [entry.index for entry in outcome.rejected] == [i for i in range(5 * times) if i % 5 < 2]
    assert [count for _, count in daily(v.report(feature="x"))][:2] == [2 * times, 4 * times]


def test_an_importer_can_be_limited_to_a_span_of_time(v):
    hour = timedelta(hours=1)
    importer = v.events.importer(Span(to_micros(NOW - hour), to_micros(NOW + hour)))
    edges = [NewEvent("ada", "x", NOW - hour), NewEvent("ada", "x", NOW + hour), NewEvent("ada", "x")]
    assert importer.store(edges).accepted == 3
    beyond = [NewEvent("ada", "x", at) for at in (NOW - 2 * hour, NOW, NOW + 2 * hour)]
    outcome = importer.store(beyond)
    assert outcome.accepted == 1
    assert [entry.index for entry in outcome.rejected] == [0, 2]
    assert "must lie between" in str(outcome.rejected[0].error)


def test_tracking_nothing_is_allowed(v):
    assert v.track_many([]) == vigility.IngestResult()


def test_a_tracked_event_is_in_the_next_report(v):
    v.track("ada", "x")
    report = v.report(Filters(gender="Female"), feature="x")
    assert daily(report) == [(NOW.date(), 1)]


def test_a_report_on_an_invalid_feature_name_is_refused(v):
    with pytest.raises(InvalidInput, match="feature_name"):
        v.report(feature="a\nb")


def test_a_wipe_deletes_everything_and_ids_start_again(v):
    v.track("ada", "x")
    v.maintenance.wipe()
    assert v.maintenance.is_empty()
    assert v.users.add_without_password("eve", 20, "Other").id == 1


@pytest.mark.parametrize("enabled", [True, False])
def test_tracking_restores_the_garbage_collector(v, enabled):
    try:
        (gc.enable if enabled else gc.disable)()
        v.track_many([NewEvent("ada", "x"), NewEvent("nobody", "x")])
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_forms_of_events_can_be_mixed(v):
    row = namedtuple("Row", ["Index", "username", "feature"])  # noqa: PYI024 - what pandas makes
    outcome = v.track_many(
        [
            NewEvent("ada", "x"),
            ("ada", "x"),
            {"username": "ada", "feature": "x", "feature_name": "y"},
            {"username": "ada", "timestamp": None, "at": None},
            row(0, "ada", "x"),
            {5: "ada"},
            "ada",
        ],
        batch_size=3,
    )
    assert (outcome.accepted, [entry.index for entry in outcome.rejected]) == (2, [2, 3, 4, 5, 6])
    errors = [str(entry.error) for entry in outcome.rejected]
    assert errors[0] == errors[1] == "event must not have both feature and feature_name, or at and timestamp"
    assert errors[2].endswith(", not 'Index'")
    assert errors[3].endswith(", not 5")
    assert errors[4].endswith(", not a str")


def test_a_server_can_queue_an_event_with_a_time_of_its_own(v):
    outcomes = Queue()
    ada = v.users.get("ada")
    v.events.enqueue(ada, "x", None, outcomes.put, "2026-03-09T12:00:00Z")
    v.events.enqueue(ada, "x", None, outcomes.put)
    assert [outcomes.get(timeout=60).event.at for _ in range(2)] == [NOW - timedelta(days=1), NOW]
    with pytest.raises(InvalidInput, match="must lie between"):
        v.events.enqueue(ada, "x", None, outcomes.put, "2026-03-11T12:00:00Z")


def test_filters_are_given_once(v):
    v.track("ada", "x")
    assert v.report(Filters(gender="Female")).totals == v.report(gender="Female").totals
    for given in ({"gender": "Female"}, "Female"):
        with pytest.raises(
            InvalidInput, match=r"^filters must be Filters, like Filters\(gender='Female'\), not "
        ):
            v.report(given)
    with pytest.raises(InvalidInput, match="filters must not be combined with gender"):
        v.report(Filters(start="2026-03-01"), gender="Female")
    with pytest.raises(InvalidInput, match="query must not be combined with filters or feature"):
        v.report(query=vigility.Query(), gender="Female")


def test_an_old_name_of_a_feature_can_be_read_and_renamed(v):
    """A name that was stored before names were composed, beside the one that is stored now."""
    old, new = "Cafe\u0301", "Caf\u00e9"
    v.events._queue.add([EventRecord(1, old, to_micros(NOW), 36, "Female")])
    v.track("ada", old)
    assert counted(v) == {old: 1, new: 1}
    assert [v.report(feature=name).series[0].label for name in (old, new)] == [old, new]
    v.maintenance.rename_feature(old, new, merge=True)
    assert counted(v) == {new: 2}
    assert v.report(feature=old).series == v.report(feature=new).series
