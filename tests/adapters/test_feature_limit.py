"""No more different features are stored than are allowed, whoever writes, alone or at the same time."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vigility
from adapters.test_oracle import assert_same_result, url_of
from support import postgres
from support.reports import totals
from support.strategies import EVENT_IDS, FEATURES, USERNAMES
from vigility import InvalidInput, NewEvent
from vigility.adapters.sql import event_insert

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHARED = ("sqlite", postgres.PARAM)
REASON = "more than 3 features are not taken"

events = st.builds(
    NewEvent,
    st.sampled_from(USERNAMES[:2]),
    st.sampled_from(FEATURES),
    st.just(NOW),
    event_id=st.none() | st.sampled_from(EVENT_IDS),
)


def opened(url, limit):
    v = vigility.connect(url, clock=lambda: NOW, max_features=limit)
    v.users.import_many(
        vigility.NewUser(username=name, age=36, gender=vigility.Gender.OTHER, created=NOW)
        for name in USERNAMES[:2]
    )
    return v


@pytest.mark.parametrize("kind", SHARED)
@given(
    limit=st.integers(1, 5),
    calls=st.lists(st.lists(events, max_size=12), min_size=1, max_size=4),
    single=st.lists(events, max_size=4),
)
def test_a_backend_equals_the_oracle_at_any_limit(kind, limit, calls, single):
    with (
        tempfile.TemporaryDirectory() as folder,
        opened("memory:", limit) as oracle,
        opened(url_of(kind, Path(folder)), limit) as tested,
    ):
        for batch in calls:
            assert_same_result(tested.track_many(batch), oracle.track_many(batch))
        for event in single:
            assert outcome_of(tested, event) == outcome_of(oracle, event)
        assert tested.maintenance.features() == oracle.maintenance.features()
        assert len(tested.maintenance.features()) <= limit
        assert tested.maintenance.verify_rollups() == []


def outcome_of(v, event):
    try:
        return v.track(*event)
    except vigility.VigilityError as error:
        return type(error), str(error)


@pytest.fixture
def full(url):
    """A database that takes three features, and has them."""
    with opened(url, 3) as v:
        v.track_many([NewEvent("ada", name) for name in "abc"])
        yield v


def test_one_more_feature_is_refused_and_the_others_are_stored(full):
    outcome = full.track_many([NewEvent("ada", name) for name in ("a", "d", "b", "e", "d")])
    assert outcome.accepted == 2
    assert [entry.index for entry in outcome.rejected] == [1, 3, 4]
    assert all(REASON in str(entry.error) for entry in outcome.rejected)
    with pytest.raises(InvalidInput, match=REASON) as refused:
        full.track("ada", "d")
    assert refused.value.field == "feature_name"
    assert totals(full.report()) == {"a": 2, "b": 2, "c": 1}


def test_events_that_are_submitted_together_get_their_own_outcomes(full):
    futures = [full.submit("ada", name) for name in ("a", "d", "b", "e") * 20]
    assert full.flush(60)
    refused = [isinstance(future.exception(), InvalidInput) for future in futures]
    assert refused == [False, True] * 40


def test_a_deleted_feature_makes_room(full):
    full.maintenance.delete_features(["b"])
    full.track("ada", "d")
    with pytest.raises(InvalidInput, match=REASON):
        full.track("ada", "b")
    full.maintenance.rename_feature("d", "e")
    assert totals(full.report()) == {"a": 1, "c": 1, "e": 1}


@pytest.mark.parametrize("url", SHARED, indirect=True)
def test_the_limit_is_held_among_writers_at_the_same_time(url):
    writers = [opened(url, 10) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(writer.track_many, [NewEvent("ada", f"{number} {n}") for n in range(10)], 1)
            for number, writer in enumerate(writers)
        ]
        outcomes = [job.result() for job in jobs]
    assert sum(outcome.accepted for outcome in outcomes) == 10
    assert sum(len(outcome.rejected) for outcome in outcomes) == 30
    assert len(writers[0].maintenance.features()) == 10
    assert writers[0].maintenance.verify_rollups() == []
    for writer in writers:
        writer.close()


@pytest.mark.parametrize("url", SHARED, indirect=True)
def test_features_above_a_lower_limit_stay_and_are_tracked(url):
    with opened(url, 5) as v:
        v.track_many([NewEvent("ada", name) for name in "abcde"])
    with opened(url, 3) as v:
        assert v.track_many([NewEvent("ada", name) for name in "abcdef"]).accepted == 5


@pytest.mark.parametrize("url", SHARED, indirect=True)
def test_the_cache_of_names_is_bounded(url, monkeypatch):
    monkeypatch.setattr(event_insert, "MAX_CACHED", 5)
    with opened(url, 1_000) as v:
        inserter = v._installation.sink._inserter
        for number in range(20):
            v.track_many([NewEvent("ada", f"{number}"), NewEvent("ada", f"{number + 1}")])
            assert len(inserter._stored_features) <= 5
        assert v.report().total == 40


@pytest.mark.parametrize("limit", [0, -1, 1.5, "10", True, None])
def test_a_limit_is_a_number(limit):
    with pytest.raises(InvalidInput, match="max_features must be a whole number from 1"):
        vigility.connect("memory:", max_features=limit)
