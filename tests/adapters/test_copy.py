"""Copies between all kinds of databases: the target equals the source, for random input."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vigility
from support import postgres
from support.installations import open_vigility
from support.strategies import FEATURES, filters, new_events, new_users
from vigility import NewEvent, StoreError, UserGone
from vigility.adapters.sql.postgres.database import PostgresDatabase
from vigility.adapters.sql.postgres.rows import new_ids
from vigility.bootstrap import DatabaseUrl, PoolSettings, backend_for
from vigility.core import database_copy
from vigility.core.database_copy import MAX_ID, Copy
from vigility.core.events.export import EventPage

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"
PAIRS = (
    ("memory", "sqlite"),
    ("sqlite", "memory"),
    pytest.param("sqlite", "postgres", marks=pytest.mark.postgres),
    pytest.param("postgres", "sqlite", marks=pytest.mark.postgres),
)


@pytest.mark.parametrize(("source_kind", "target_kind"), PAIRS)
@settings(max_examples=settings().max_examples // 3)
@given(
    users=st.lists(new_users, max_size=6),
    events=st.lists(new_events, max_size=30),
    done_before=st.integers(0, 4),
    queries=st.lists(st.tuples(filters, st.sampled_from(FEATURES)), min_size=1, max_size=3),
)
def test_a_copy_equals_its_source(source_kind, target_kind, users, events, done_before, queries):
    with ExitStack() as stack:
        stack.enter_context(patch.object(database_copy, "EVENTS_PER_STEP", 7))
        source, target = (stack.enter_context(empty(kind)) for kind in (source_kind, target_kind))
        with opened(source) as v, opened(target) as w:
            v.users.import_many(users)
            v.track_many(events)
            v.users.sessions.revoke("token", NOW + timedelta(hours=1))
            interrupted = begin(source, target)
            for _ in range(done_before):
                interrupted.events()
            task = begin(source, target)
            while task.events():
                pass
            assert task.finish() is False
            assert target.event_log.page(0, MAX_ID, 99) == source.event_log.page(0, MAX_ID, 99)
            assert target.event_log.checksum(3) == source.event_log.checksum(3)
            assert target.rollups.counts_upto(3) == source.rollups.counts_upto(3)
            assert w.users.all() == v.users.all()
            assert w.users.sessions.revoked() == {"token"}
            assert w.maintenance.verify_rollups() == []
            for chosen, feature in queries:
                assert w.report(chosen, feature) == v.report(chosen, feature)


def begin(source, target):
    task = Copy(source, target, lambda: NOW)
    task.begin()
    task.users()
    return task


def opened(installation):
    return open_vigility(installation, NOW)


@contextmanager
def empty(kind):
    """A new installation over an empty database of this kind."""
    with ExitStack() as stack:
        if kind == "postgres":
            url = stack.enter_context(postgres.temporary_database())
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            url = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/usage.db"}[kind]
        yield stack.enter_context(closing(installation_of(url)))


def installation_of(url):
    parsed = DatabaseUrl.parse(url)
    return backend_for(parsed).open(parsed, upgrade=True, pool=PoolSettings())


@pytest.fixture(params=["memory", "sqlite", postgres.PARAM])
def installation(request):
    with empty(request.param) as new:
        v = opened(new)
        v.users.add_without_password("ada", 36, "Female")
        v.track_many([NewEvent("ada", "a", NOW)] * 5)
        yield new


def test_ids_given_after_an_insert_with_ids_are_higher(installation):
    v = opened(installation)
    user = v.users.all()[0]
    installation.users.insert_with_ids([vigility.User(**{**as_dict(user), "id": 40, "username": "bob"})])
    installation.event_log.insert_with_ids(EventPage([90], installation.event_log.page(0, 1, 1).records))
    assert v.users.add_without_password("eve", 20, "Other").id == 41
    assert v.track("eve", "b").id == 91
    assert v.maintenance.verify_rollups() == []


def as_dict(user):
    return {name: getattr(user, name) for name in ("username", "age", "gender", "created", "password_hash")}


def test_an_insert_with_ids_that_fails_stores_nothing(installation):
    page = installation.event_log.page(0, 1, 1)
    before = installation.event_log.checksum(MAX_ID)
    taken = EventPage([8, 5], page.records * 2)
    twice = EventPage([8, 8], page.records * 2)
    same_event_id = EventPage([8, 9], [page.records[0]._replace(event_id=EVENT_ID)] * 2)
    of_nobody = EventPage([9], [page.records[0]._replace(user_id=99)])
    for invalid in (taken, twice, same_event_id):
        with pytest.raises(StoreError):
            installation.event_log.insert_with_ids(invalid)
    with pytest.raises(UserGone):
        installation.event_log.insert_with_ids(of_nobody)
    (user,) = installation.users.all()
    bob, eve = replace(user, id=8, username="bob"), replace(user, id=8, username="eve")
    for users in ([user], [bob, eve], [bob, replace(bob, id=9)]):
        with pytest.raises(StoreError):
            installation.users.insert_with_ids(users)
    assert list(installation.users.all()) == [user]
    assert installation.event_log.checksum(MAX_ID) == before
    assert opened(installation).maintenance.verify_rollups() == []


def test_pages_continue_after_each_other(installation):
    assert installation.event_log.high_watermark() == 5
    assert list(installation.event_log.page(0, 5, 2).ids) == [1, 2]
    assert list(installation.event_log.page(2, 4, 9).ids) == [3, 4]
    assert list(installation.event_log.page(5, 9, 9).ids) == []


def identity(url):
    with closing(installation_of(url)) as installation:
        return installation.identity


def test_a_file_has_one_identity_of_its_own(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "one.db")
    one = identity(f"sqlite:///{tmp_path}/one.db")
    assert identity(str(tmp_path / "link.db")) == one != identity(str(tmp_path / "other.db"))


@pytest.fixture
def two_databases():
    with postgres.temporary_database() as one, postgres.temporary_database() as other:
        yield [one, other]


@pytest.mark.postgres
def test_a_database_of_a_server_has_one_identity_of_its_own(two_databases):
    one, other = two_databases
    assert identity(one) == identity(f"{one}?application_name=other") != identity(other)


@pytest.mark.postgres
def test_the_high_watermark_waits_for_ids_that_are_given_but_not_stored(two_databases):
    """Otherwise the event would lie below what was copied, and be missed."""
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
            wait_for_query_of_locks(url)
            assert not high_watermark.done()
            slow.__exit__(None, None, None)
            assert high_watermark.result(60) == number + 1


@pytest.mark.postgres
def test_the_high_watermark_does_not_wait_for_readers(two_databases):
    url = two_databases[0]
    with closing(PostgresDatabase(url, 6, 30)) as database, database.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM vigility_events")
        assert database.high_watermark() == 0


def wait_for_query_of_locks(url):
    """Wait until another session has asked who holds locks."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_locks%' AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 60
    while not postgres.sql(url, query)[0][0]:
        assert time.monotonic() < deadline
