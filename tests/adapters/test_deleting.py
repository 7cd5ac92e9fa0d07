"""Deleting and moving events leaves a database as if they had never been stored, or had been stored so."""

import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vigility
from adapters.test_oracle import url_of
from support import postgres
from support.reports import daily, totals
from support.strategies import DAYS, FEATURES, USERNAMES, filters, moments
from vigility import InvalidInput, NewEvent
from vigility.core import maintenance

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)  # after every drawn moment
SHARED = ("sqlite", postgres.PARAM)
BACKENDS = ("memory", *SHARED)
LAST = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"
AGES = (17, 18, 41)

events = st.lists(
    st.builds(
        NewEvent, st.sampled_from(USERNAMES[:3]), st.sampled_from(FEATURES[:4]), moments, event_id=st.none()
    ),
    max_size=30,
)
queries = st.lists(st.tuples(filters, st.none() | st.sampled_from(FEATURES[:4])), min_size=1, max_size=4)


@pytest.fixture(scope="module", autouse=True)
def small_steps():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(maintenance, "EVENTS_PER_STEP", 3)
        patched.setattr(maintenance, "FEATURES_PER_STEP", 2)
        yield


@contextmanager
def opened(kind, folder):
    url = "memory:" if kind == "memory" else url_of(kind, Path(folder))
    with vigility.connect(url, clock=lambda: NOW, oldest_event_days=36_525) as v:
        v.users.import_many(
            v.users.validated(name, age, "Other") for name, age in zip(USERNAMES, AGES, strict=False)
        )
        yield v


def assert_same(tested, expected, asked):
    assert tested.maintenance.verify_rollups() == []
    assert tested.maintenance.features() == expected.maintenance.features()
    for chosen, feature in asked:
        assert tested.report(chosen, feature) == expected.report(chosen, feature)


@pytest.mark.parametrize("kind", BACKENDS)
@given(
    stored=events,
    user=st.none() | st.sampled_from(USERNAMES[:3]),
    feature=st.none() | st.sampled_from(FEATURES[:4]),
    start=st.none() | st.sampled_from(DAYS),
    end=st.none() | moments,
    asked=queries,
)
def test_a_database_without_deleted_events_equals_one_that_never_had_them(
    kind, stored, user, feature, start, end, asked
):
    choice = {"user": user, "feature": feature, "start": start, "end": end}

    def is_chosen(event):
        return (
            (user is None or event.username == user)
            and (feature is None or event.feature == feature)
            and (start is None or event.at >= datetime.combine(start, time(0), UTC))
            and (end is None or event.at <= end)
        )

    with (
        tempfile.TemporaryDirectory() as folder,
        opened(kind, folder) as tested,
        opened("memory", "") as never,
    ):
        assert tested.track_many(stored).rejected == ()
        if feature is not None and feature not in {event.feature for event in stored}:
            with pytest.raises(InvalidInput, match="must be that of a stored feature"):
                tested.maintenance.delete_events(**choice)
            return
        if all(value is None for value in choice.values()):
            return
        expected = sum(map(is_chosen, stored))
        assert tested.maintenance.count_events(**choice) == expected
        assert len(tested.maintenance.find_events(5, **choice)) == min(expected, 5)
        assert tested.maintenance.delete_events(**choice) == expected
        never.track_many([event for event in stored if not is_chosen(event)])
        assert_same(tested, never, asked)
        tested.track_many(stored[:5])
        never.track_many(stored[:5])
        assert_same(tested, never, asked)


@pytest.mark.parametrize("kind", BACKENDS)
@given(stored=events.filter(bool), new=st.sampled_from((*FEATURES[:4], "another")), asked=queries)
def test_a_renamed_or_merged_feature_equals_one_that_was_tracked_so(kind, stored, new, asked):
    old = stored[0].feature
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(kind, folder) as tested,
        opened("memory", "") as other,
    ):
        tested.track_many(stored)
        if new == old:
            with pytest.raises(InvalidInput, match="must be another one"):
                tested.maintenance.rename_feature(old, new)
            return
        is_taken = new in {event.feature for event in stored}
        if is_taken:
            with pytest.raises(InvalidInput, match="is the name of another feature"):
                tested.maintenance.rename_feature(old, new)
        moved = tested.maintenance.rename_feature(old, new, merge=True)
        assert moved == (sum(event.feature == old for event in stored) if is_taken else 0)
        other.track_many([e._replace(feature=new) if e.feature == old else e for e in stored])
        assert_same(tested, other, asked)


@pytest.fixture
def used(v):
    for name in ("ada", "bob"):
        v.users.add_without_password(name, 36, "Female")
    v.track_many([NewEvent("ada", "a", LAST - timedelta(days=day)) for day in range(4)])
    v.track("bob", "b", LAST, EVENT_ID)
    return v


def test_events_are_deleted_by_id_and_by_event_id(used):
    assert [event.id for event in used.maintenance.find_events(ids=[2, EVENT_ID])] == [2, 5]
    assert used.maintenance.delete_events(ids=["2", EVENT_ID, 99]) == 2
    assert totals(used.report()) == {"a": 3}
    assert daily(used.report(feature="b")) == []
    assert used.maintenance.verify_rollups() == []


def test_a_deleted_event_id_can_be_stored_again(used):
    used.maintenance.delete_events(ids=[EVENT_ID])
    assert used.track("bob", "a", LAST, EVENT_ID).feature == "a"
    assert totals(used.report()) == {"a": 5}


def test_progress_is_reported_after_each_step(used):
    reached = []
    assert used.maintenance.delete_events(user="ada", on_progress=reached.append) == 4
    assert reached == [3, 4]


def test_features_are_deleted_whole_or_not_at_all(used):
    used.track_many([NewEvent("bob", "c"), NewEvent("bob", "d")])
    with pytest.raises(InvalidInput, match="must be that of a stored feature, not 'x'"):
        used.maintenance.delete_features(["a", "x"])
    reached = []
    assert used.maintenance.delete_features(["a", "c", "d", "a"], on_progress=reached.append) == 6
    assert reached[-1] == 6
    assert [use.feature for use in used.maintenance.features()] == ["b"]
    assert used.maintenance.verify_rollups() == []


@pytest.mark.parametrize("url", SHARED, indirect=True)
def test_another_process_may_know_a_feature_that_was_deleted_or_renamed(used, open_database):
    """Each process caches the names that are stored."""
    other = open_database()
    other.track("ada", "a")
    used.maintenance.delete_features(["a"])
    other.track("ada", "a")
    assert totals(used.report()) == {"a": 1, "b": 1}
    used.maintenance.rename_feature("a", "c")
    other.track_many([NewEvent("ada", "a")] * 2)
    assert totals(used.report()) == {"a": 2, "b": 1, "c": 1}
    assert used.maintenance.verify_rollups() == []


def test_events_that_were_found_but_are_gone_are_not_counted(used):
    log = used._installation.event_log
    chosen = maintenance.EventSelection(user_id=1)
    assert log.delete([1, 2, 5], chosen) == 2
    assert log.delete([1, 2, 5], chosen) == 0
    assert log.move([3, 4], chosen, "nowhere") == 0
    assert totals(used.report()) == {"a": 2, "b": 1}


@pytest.mark.parametrize("url", SHARED, indirect=True)
def test_a_name_that_an_interrupted_deletion_left_is_dropped_by_the_next(used):
    used._installation.event_log.delete([5], maintenance.EventSelection(ids=(5,)))
    unused = [use for use in used.maintenance.features() if not use.events]
    assert [(use.feature, use.first_day) for use in unused] == [("b", None)]
    assert used.maintenance.delete_events(ids=[1]) == 1
    assert [use.feature for use in used.maintenance.features()] == ["a"]


def test_a_feature_is_found_by_the_other_form_of_its_name(used):
    """It may be stored composed (NFC) or, by an older version, decomposed."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    used.track("bob", composed)
    assert [use.feature for use in used.maintenance.find_features([decomposed])] == [composed]
    used.maintenance.rename_feature(decomposed, "tea")
    assert totals(used.report()) == {"a": 4, "b": 1, "tea": 1}
