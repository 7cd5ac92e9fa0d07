"""From every kind of store into every other: what arrives is what was there, whatever was drawn."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vigility
from support import postgres
from support.strategies import FEATURES, filters, new_events, new_users
from vigility import NewEvent, StoreError, UserGone
from vigility.adapters.sql.postgres.database import PostgresDatabase
from vigility.adapters.sql.postgres.rows import new_ids
from vigility.bootstrap import PoolSettings
from vigility.core import migration
from vigility.core.events.export import Page
from vigility.core.migration import ANY_ID, Copy

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAIRS = (("memory", "sqlite"), ("sqlite", "memory"), ("sqlite", "postgres"), ("postgres", "sqlite"))


@pytest.mark.parametrize("kinds", PAIRS, ids="-to-".join)
@settings(max_examples=settings().max_examples // 3)
@given(
    users=st.lists(new_users, max_size=6),
    events=st.lists(new_events, max_size=30),
    done_before=st.integers(0, 4),
    queries=st.lists(st.tuples(filters, st.sampled_from(FEATURES)), min_size=1, max_size=3),
)
def test_a_copy_equals_its_source(kinds, users, events, done_before, queries):
    with ExitStack() as stack:
        stack.enter_context(patch.object(migration, "EVENTS_A_STEP", 7))
        source, target = (stack.enter_context(empty(kind)) for kind in kinds)
        with opened(source) as v, opened(target) as w:
            v.users.import_many(users)
            v.track_many(events)
            v.users.sessions.revoke("ended", NOW + timedelta(hours=1))
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
            assert w.users.all() == v.users.all()
            assert w.users.sessions.revoked() == {"ended"}
            assert w.maintenance.verify_rollups() == []
            for chosen, feature in queries:
                assert w.report(chosen, feature) == v.report(chosen, feature)


def begin(source, target):
    task = Copy(source, target, lambda: NOW)
    task.begin()
    task.users()
    return task


def opened(store):
    return vigility.Vigility(store, hasher=None, clock=lambda: NOW)


@contextmanager
def empty(kind):
    with ExitStack() as stack:
        if kind == "postgres":
            url = stack.enter_context(postgres.temporary_database())
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            url = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/usage.db"}[kind]
        yield stack.enter_context(closing(vigility.bootstrap._open_store(url, True, PoolSettings())))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request):
    with empty(request.param) as made:
        v = opened(made)
        v.users.add_without_password("ada", 36, "Female")
        v.track_many([NewEvent("ada", "a", NOW)] * 5)
        yield made


def test_ids_given_after_a_restore_lie_above_it(store):
    v = opened(store)
    user = v.users.all()[0]
    store.users.restore([vigility.User(**{**as_dict(user), "id": 40, "username": "bob"})])
    store.events.restore(Page([90], store.events.page(0, 1, 1).records))
    assert v.users.add_without_password("eve", 20, "Other").id == 41
    assert v.track("eve", "b").id == 91
    assert v.maintenance.verify_rollups() == []


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
    assert opened(store).maintenance.verify_rollups() == []


def lost(page):
    return page.records[0]._replace(user_id=99)


def test_pages_follow_each_other(store):
    assert store.events.high_watermark() == 5
    assert list(store.events.page(0, 5, 2).ids) == [1, 2]
    assert list(store.events.page(2, 4, 9).ids) == [3, 4]
    assert list(store.events.page(5, 9, 9).ids) == []


def identity(url):
    with closing(vigility.bootstrap._open_store(url, True, PoolSettings())) as store:
        return store.identity


def test_the_same_file_has_one_identity_and_no_other_has_it(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "one.db")
    one = identity(f"sqlite:///{tmp_path}/one.db")
    assert identity(str(tmp_path / "link.db")) == one != identity(str(tmp_path / "other.db"))


@pytest.fixture
def two_databases():
    with postgres.temporary_database() as one, postgres.temporary_database() as other:
        yield [one, other]


def test_the_same_database_of_a_server_has_one_identity_and_no_other_has_it(two_databases):
    one, other = two_databases
    assert identity(one) == identity(f"{one}?application_name=other") != identity(other)


def test_an_id_that_was_given_and_is_not_stored_yet_is_awaited(two_databases):
    """Or the event would lie below what was copied, and be missed."""
    url = two_databases[0]
    with vigility.connect(url, clock=lambda: NOW) as v, ThreadPoolExecutor(1) as pool:
        v.users.add_without_password("ada", 36, "Female")
        database = PostgresDatabase(url, 6, 30)
        with closing(database):
            slow = database.write_events()
            connection = slow.__enter__()
            (number,) = new_ids(connection, 1)
            assert v.track("ada", "a").id == number + 1
            high_watermark = pool.submit(database.high_watermark)
            wait_for_look(url)
            assert not high_watermark.done()
            slow.__exit__(None, None, None)
            assert high_watermark.result(60) == number + 1


def test_who_only_reads_is_not_awaited(two_databases):
    url = two_databases[0]
    with closing(PostgresDatabase(url, 6, 30)) as database, database.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM vigility_events")
        assert database.high_watermark() == 0


def wait_for_look(url):
    """Until somebody has asked who holds locks."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_locks%' AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 60
    while not postgres.sql(url, query)[0][0]:
        assert time.monotonic() < deadline
