"""From every kind of store into every other: what arrives is what was there, whatever was drawn."""

import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vigility
from strategies import FEATURES, filters, new_events, new_users
from vigility import NewEvent, StoreError, UserGone
from vigility.bootstrap import _open_store
from vigility.core import copying
from vigility.core.copying import ANY_ID, Copy
from vigility.core.transfer import Page

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAIRS = (("memory", "sqlite"), ("sqlite", "memory"), ("sqlite", "sqlite"))


@pytest.mark.parametrize("kinds", PAIRS, ids="-to-".join)
@given(
    users=st.lists(new_users, max_size=6),
    events=st.lists(new_events, max_size=30),
    done_before=st.integers(0, 4),
    queries=st.lists(st.tuples(filters, st.sampled_from(FEATURES)), min_size=1, max_size=3),
)
def test_a_copy_equals_its_source(kinds, users, events, done_before, queries):
    with tempfile.TemporaryDirectory() as folder, patch.object(copying, "EVENTS_A_STEP", 7):
        source, target = (
            _open_store(url_of(kind, Path(folder, end))) for kind, end in zip(kinds, "st", strict=True)
        )
        with opened(source) as v, opened(target) as w:
            v.accounts.import_users(users)
            v.track_many(events)
            v.sessions.end("ended", NOW + timedelta(hours=1))
            begun = begin(source, target)
            for _ in range(done_before):
                begun.events()
            task = begin(source, target)
            while task.events():
                pass
            assert task.finish() is False
            assert target.events.page(0, ANY_ID, 99) == source.events.page(0, ANY_ID, 99)
            assert target.events.tally(3) == source.events.tally(3)
            assert target.events.day_counts(3) == source.events.day_counts(3)
            assert w.users() == v.users()
            assert w.sessions.ended() == {"ended"}
            assert w.verify_summaries() == []
            for chosen, feature in queries:
                assert w.report(chosen, feature) == v.report(chosen, feature)


def begin(source, target):
    task = Copy(source, target, lambda: NOW)
    task.begin()
    task.users()
    return task


def opened(store):
    return vigility.Vigility(store, hasher=None, clock=lambda: NOW)


def url_of(kind, folder):
    folder.mkdir()
    return {"memory": "memory:", "sqlite": f"sqlite:///{folder}/usage.db"}[kind]


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    with closing(_open_store(url_of(request.param, tmp_path / "store"))) as made:
        v = opened(made)
        v.accounts.add_without_password("ada", 36, "Female")
        v.track_many([NewEvent("ada", "a", NOW)] * 5)
        yield made


def test_ids_given_after_a_restore_lie_above_it(store):
    v = opened(store)
    user = v.users()[0]
    store.users.restore([vigility.User(**{**as_dict(user), "id": 40, "username": "bob"})])
    store.events.restore(Page([90], store.events.page(0, 1, 1).records))
    assert v.accounts.add_without_password("eve", 20, "Other").id == 41
    assert v.track("eve", "b").id == 91
    assert v.verify_summaries() == []


def as_dict(user):
    return {name: getattr(user, name) for name in ("username", "age", "gender", "created", "password_hash")}


def test_a_restore_that_is_refused_stores_nothing(store):
    page = store.events.page(0, 1, 1)
    before = store.events.tally(ANY_ID)
    for wrong, error in ((Page([8, 5], page.records * 2), StoreError), (Page([9], [lost(page)]), UserGone)):
        with pytest.raises(error):
            store.events.restore(wrong)
    with pytest.raises(StoreError):
        store.users.restore(list(store.users.all()))
    assert store.events.tally(ANY_ID) == before
    assert opened(store).verify_summaries() == []


def lost(page):
    return page.records[0]._replace(user_id=99)


def test_pages_follow_each_other(store):
    assert store.events.settled() == 5
    assert list(store.events.page(0, 5, 2).ids) == [1, 2]
    assert list(store.events.page(2, 4, 9).ids) == [3, 4]
    assert list(store.events.page(5, 9, 9).ids) == []


def test_the_same_database_has_one_identity_and_no_other_has_it(tmp_path):
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    link = tmp_path / "link.db"
    link.symlink_to(one)
    with (
        closing(_open_store(str(one))) as a,
        closing(_open_store(f"sqlite:///{link}")) as b,
        closing(_open_store(str(other))) as c,
    ):
        assert a.identity == b.identity != c.identity
