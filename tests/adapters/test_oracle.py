"""Every storage backend must give the same results as the one in memory, for any events in any order."""

import atexit
import functools
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vigility
from support import postgres
from support.strategies import EVENT_IDS, FEATURES, USERNAMES, filters, new_events, new_users
from vigility import Query

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BACKENDS = ("sqlite", postgres.PARAM)


@pytest.mark.parametrize("kind", BACKENDS)
@given(
    users=st.lists(new_users, max_size=8),
    calls=st.lists(st.lists(new_events, max_size=12), max_size=4),
    batch_size=st.integers(1, 12),
    queries=st.lists(st.tuples(filters, st.none() | st.sampled_from(FEATURES)), min_size=1, max_size=6),
)
def test_a_backend_equals_the_oracle(kind, users, calls, batch_size, queries):
    with (
        tempfile.TemporaryDirectory() as folder,
        open_database("memory:") as oracle,
        open_database(url_of(kind, Path(folder))) as tested,
    ):
        assert tested.users.import_many(users) == oracle.users.import_many(users)
        assert tested.users.all() == oracle.users.all()
        for events in calls:
            assert_same_result(tested.track_many(events, batch_size), oracle.track_many(events, batch_size))
            for chosen, feature in queries:
                assert tested.report(chosen, feature) == oracle.report(chosen, feature)
                for limit in (1, 3):
                    top = Query(filters=chosen, limit=limit)
                    assert tested.report(query=top) == oracle.report(query=top)
        assert tested.maintenance.features() == oracle.maintenance.features()
        assert tested.maintenance.verify_rollups() == []
        for username in USERNAMES[:2]:
            for event_id in (None, *EVENT_IDS[:2]):
                assert tracked(tested, username, event_id) == tracked(oracle, username, event_id)
        tested.maintenance.rebuild_rollups()
        for chosen, feature in queries:
            assert tested.report(chosen, feature) == oracle.report(chosen, feature)
        assert tested.maintenance.is_empty() == oracle.maintenance.is_empty()


def open_database(url):
    return vigility.connect(url, clock=lambda: NOW, oldest_event_days=36_525)


def url_of(kind, folder):
    if kind == "postgres":
        return wiped_postgres()
    shutil.copy(empty_sqlite(), folder / "usage.db")
    return f"sqlite:///{folder}/usage.db"


def wiped_postgres():
    """The single database of this test, emptied: creating one takes ten times as long."""
    with vigility.connect(postgres_url()) as v:
        v.maintenance.wipe()
    return postgres_url()


@functools.cache
def postgres_url():
    return postgres.empty_database()


@functools.cache
def empty_sqlite():
    """A new database to copy: creating one takes a hundred times as long."""
    folder = Path(tempfile.mkdtemp(prefix="vigility-empty-"))
    atexit.register(shutil.rmtree, folder)
    vigility.connect(str(folder / "empty.db")).close()
    return folder / "empty.db"


def assert_same_result(got, expected):
    assert (got.accepted, got.duplicates) == (expected.accepted, expected.duplicates)
    assert [(r.index, str(r.error)) for r in got.rejected] == [
        (r.index, str(r.error)) for r in expected.rejected
    ]


def tracked(v, username, event_id):
    try:
        return v.track(username, "a", event_id=event_id)
    except vigility.VigilityError as error:
        return type(error), str(error)
