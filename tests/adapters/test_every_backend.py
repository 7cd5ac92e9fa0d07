"""What every storage backend must do, by example. `test_oracle.py` compares them on random input."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from support.reports import daily, totals
from vigility import Filters, Gender, NewEvent, NewUser, Query, StoreUnavailable, UserGone, UsernameTaken

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"


def new(username, age=20, gender=Gender.OTHER, password_hash=None):
    return NewUser(username=username, age=age, gender=gender, created=NOW, password_hash=password_hash)


def counts(v, filters=None):
    return totals(v.report(filters))


def test_a_new_database_is_empty_and_reports_nothing(v):
    assert v.maintenance.is_empty()
    assert v.report().totals == v.report().series == ()
    assert daily(v.report(feature="x")) == []
    assert v.users.all() == []


def test_users_come_back_as_they_were_stored(v):
    v.users.import_many([new("ünal", 17, Gender.MALE, "hash"), new("用户", 120, Gender.FEMALE)])
    first, second = v.users.all()
    assert (first.id, first.username, first.age, first.gender) == (1, "ünal", 17, Gender.MALE)
    assert (first.created, first.password_hash) == (NOW, "hash")
    assert second == v.users.get("用户")
    assert v.users.get("nobody") is None


def test_usernames_are_compared_exactly(v):
    names = ["ada", "Ada", "ADA", "ádá", "ada_", "ad%"]
    assert v.users.import_many(map(new, names)).added == len(names)
    assert [user.username for user in v.users.all()] == names


def test_twenty_registrations_of_one_name_at_once_make_one_user(v):
    def register(_):
        try:
            return v.users.add_without_password("ada", 20, "Other").id
        except UsernameTaken:
            return None

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(register, range(20)))
    assert sorted(ids, key=bool) == [None] * 19 + [1]


def test_both_ends_of_a_range_of_days_count(v):
    v.users.import_many([new("ada")])
    midnight = datetime(2026, 2, 28, tzinfo=UTC)
    micro = timedelta(microseconds=1)
    for at in (
        midnight - micro,
        midnight,
        midnight + timedelta(days=1) - micro,
        midnight + timedelta(days=1),
    ):
        v.track("ada", "x", at)
    assert counts(v, Filters("2026-02-28", "2026-02-28")) == {"x": 2}
    assert counts(v, Filters(start="2026-02-28")) == {"x": 3}
    assert counts(v, Filters(end="2026-02-28")) == {"x": 3}
    assert counts(v, Filters("2026-03-01", "2026-02-28")) == {}


def test_a_series_covers_the_days_of_all_events(v):
    v.users.import_many([new("ada")])
    v.track_many([NewEvent("ada", "x", "2026-02-27T12:00:00Z"), NewEvent("ada", "y", "2026-02-26T00:00:00Z")])
    points = [(day.day, count) for day, count in daily(v.report(Filters(gender="Other"), "x"))]
    assert points == [(26, 0), (27, 1), (28, 0), (1, 0)]
    assert [count for _, count in daily(v.report(Filters(gender="Male"), "x"))] == [0, 0, 0, 0]
    assert daily(v.report(feature="never tracked")) == []


def test_more_names_than_one_statement_takes(v):
    names = [f"user{n}" for n in range(25_000)]
    v.users.import_many(map(new, names))
    outcome = v.track_many(NewEvent(name, "x", NOW) for name in names)
    assert outcome.accepted == len(names)
    assert counts(v) == {"x": len(names)}


def test_more_event_ids_than_one_statement_takes(v):
    v.users.import_many([new("ada")])
    events = [NewEvent("ada", "x", NOW, f"00000000-0000-4000-8000-{n:012}") for n in range(25_000)]
    assert v.track_many(events, batch_size=25_000).accepted == 25_000
    again = v.track_many(events, batch_size=25_000)
    assert (again.accepted, again.duplicates) == (0, 25_000)


def test_a_conflicting_event_stores_neither_an_event_nor_a_feature(v):
    v.users.import_many([new("ada")])
    v.track("ada", "x", event_id=EVENT_ID)
    outcome = v.track_many([NewEvent("ada", "y", NOW, EVENT_ID)])
    assert len(outcome.rejected) == 1
    assert daily(v.report(feature="y")) == []


def test_ids_of_events_are_consecutive(v):
    v.users.import_many([new("ada")])
    assert [v.track("ada", "x").id for _ in range(3)] == [1, 2, 3]


def test_rollups_agree_with_events_and_can_be_rebuilt(v):
    v.users.import_many([new("ada", 17), new("bob", 41, Gender.MALE)])
    v.track_many(NewEvent(name, "x", at) for name in ("ada", "bob") for at in (NOW, "1969-12-31T23:59:59Z"))
    before = v.report(feature="x")
    assert v.maintenance.verify_rollups() == []
    v.maintenance.rebuild_rollups()
    assert v.maintenance.verify_rollups() == []
    assert v.report(feature="x") == before


def test_rollups_and_events_agree_on_the_bounds_of_age_groups(v):
    for age in (17, 18, 40, 41):
        v.users.add_without_password(f"aged {age}", age, "Other")
        v.track(f"aged {age}", "x")
    counted = {group: v.report(Filters(age_group=group)).total for group in ("<18", "18-40", ">40")}
    assert counted == {"<18": 1, "18-40": 2, ">40": 1}
    assert v.maintenance.verify_rollups() == []
    v.maintenance.rebuild_rollups()
    assert {group: v.report(Filters(age_group=group)).total for group in counted} == counted


def test_an_event_id_counts_once_within_one_call_too(v):
    v.users.add_without_password("ada", 36, "Female")
    sent = [NewEvent("ada", feature, NOW, EVENT_ID) for feature in ("x", "x", "y")]
    outcome = v.track_many([*sent, NewEvent("ada", "z", NOW)])
    assert (outcome.accepted, outcome.duplicates) == (2, 1)
    assert [entry.index for entry in outcome.rejected] == [2]
    assert counts(v) == {"x": 1, "z": 1}


def test_each_user_has_event_ids_of_their_own(v):
    v.users.import_many([new("ada"), new("bob")])
    sent = [NewEvent(name, "x", NOW, EVENT_ID) for name in ("ada", "bob", "bob", "ada")]
    outcome = v.track_many(sent)
    assert (outcome.accepted, outcome.duplicates, outcome.rejected) == (2, 2, ())
    again = v.track_many([NewEvent("bob", "x", NOW, EVENT_ID), NewEvent("bob", "y", NOW, EVENT_ID)])
    assert (again.accepted, again.duplicates, len(again.rejected)) == (0, 1, 1)
    assert [v.track(name, "x", event_id=EVENT_ID).user_id for name in ("ada", "bob")] == [1, 2]
    assert counts(v) == {"x": 2}


def test_a_wipe_deletes_everything_and_ids_start_again(v):
    v.users.import_many([new("ada")])
    v.track("ada", "x", event_id=EVENT_ID)
    v.maintenance.wipe()
    assert v.maintenance.is_empty()
    assert daily(v.report(feature="x")) == []
    v.users.import_many([new("bob")])
    assert v.track("bob", "y", event_id=EVENT_ID).id == 1


def test_of_equally_used_features_a_limit_keeps_the_first_by_code_points(v):
    """Not as people sort: for them é comes before f, and capitals do not matter."""
    v.users.import_many([new("ada")])
    names = ["f", "é", "E", "a", "_", "Z", "ß", "用", "🔑"]
    v.track_many(NewEvent("ada", name) for name in names)
    for limit in range(1, len(names) + 1):
        report = v.report(query=Query(limit=limit))
        assert list(totals(report)) == sorted(names)[:limit]
        assert report.rest == (None if limit == len(names) else (len(names) - limit, len(names) - limit))
        assert report.total == len(names)


@pytest.mark.parametrize("limit", [2**31, 2**63, 2**70])
def test_a_limit_may_be_greater_than_a_database_can_count(v, limit):
    v.users.import_many([new("ada")])
    v.track("ada", "x")
    report = v.report(query=Query(limit=limit))
    assert (totals(report), report.rest) == ({"x": 1}, None)


def test_closing_twice_does_nothing(v):
    v.close()
    v.close()


def test_what_is_closed_stays_closed_also_in_a_forked_child(v, url):
    """Before, the child opened it again."""
    v.users.import_many([new("ada")])
    v.close()
    calls = [lambda: v.track("ada", "x")] + ([] if url == "memory:" else [v.report, v.users.all])
    child = os.fork()
    if child == 0:
        os._exit(sum(not is_closed(call) for call in calls))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert all(map(is_closed, calls))


def is_closed(call):
    try:
        call()
    except StoreUnavailable as error:
        return "closed" in str(error)
    return False


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE vigility_events; --", "100 %", "a:b", "?", "$1", "{x}", "\\"]
)
def test_no_name_is_interpreted_as_part_of_a_statement(v, name):
    v.users.import_many([new(name)])
    v.track(name, name)
    assert counts(v) == {name: 1}
    assert daily(v.report(feature=name))[-1][1] == 1


def test_an_event_of_a_deleted_user_is_refused(v):
    v.users.import_many([new("ada")])
    deleted = v.users.get("ada")
    v.maintenance.wipe()
    outcomes = []
    v.events.enqueue(deleted, "x", None, outcomes.append)
    assert v.flush(60)
    assert isinstance(outcomes[0], UserGone)
    assert v.maintenance.is_empty()
