"""Revoked sessions and rate limits, over every storage backend."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vigility
from support.strategies import CREATED as NOW
from vigility.core.sessions.rate_limit import RateLimit
from vigility.core.times import MICROS_PER_SECOND

MINUTE = 60 * MICROS_PER_SECOND


@pytest.fixture
def moving(url):
    """A database, and a list whose last moment is the present."""
    moments = [NOW]
    with vigility.connect(url, clock=lambda: moments[-1]) as v:
        yield v, moments


def test_a_token_stays_revoked_until_it_expires(moving):
    v, moments = moving
    assert v.users.sessions.revoked() == frozenset()
    v.users.sessions.revoke("a", NOW + timedelta(hours=1))
    v.users.sessions.revoke("a", NOW + timedelta(hours=1))
    v.users.sessions.revoke("b", NOW + timedelta(hours=2))
    assert v.users.sessions.revoked() == {"a", "b"}
    moments.append(NOW + timedelta(hours=1))
    assert v.users.sessions.revoked() == {"b"}


def test_expired_tokens_are_deleted_when_another_is_revoked(moving):
    v, moments = moving
    v.users.sessions.revoke("a", NOW + timedelta(hours=1))
    moments.append(NOW + timedelta(hours=3))
    v.users.sessions.revoke("b", NOW + timedelta(hours=4))
    moments.append(NOW)  # if it had been kept, it would show at an earlier time
    assert v.users.sessions.revoked() == {"b"}


def test_a_wipe_does_not_restore_sessions(moving):
    v, _ = moving
    v.users.sessions.revoke("a", NOW + timedelta(hours=1))
    v.maintenance.wipe()
    assert v.users.sessions.revoked() == {"a"}


def test_attempts_are_allowed_in_a_burst_and_then_one_by_one(moving):
    v, moments = moving
    limit = [RateLimit("k", burst=2, interval=MINUTE)]
    assert [v.users.rate_limits.acquire(limit) for _ in range(3)] == [0, 0, 60]
    moments.append(NOW + timedelta(seconds=59.5))
    assert v.users.rate_limits.acquire(limit) == 1
    moments.append(NOW + timedelta(seconds=60))
    assert [v.users.rate_limits.acquire(limit) for _ in range(2)] == [0, 60]


def test_an_attempt_counts_against_all_limits_or_none(moving):
    v, _ = moving
    narrow, wide = RateLimit("narrow", 1, MINUTE), RateLimit("wide", 2, MINUTE)
    assert v.users.rate_limits.acquire([narrow, wide]) == 0
    assert v.users.rate_limits.acquire([narrow, wide]) == 60
    assert v.users.rate_limits.acquire([wide]) == 0
    assert v.users.rate_limits.acquire([wide]) == 60
    assert v.users.rate_limits.acquire([]) == 0


def test_empty_buckets_are_deleted(tmp_path):
    moments = [NOW]
    with vigility.connect(f"{tmp_path}/usage.db", clock=lambda: moments[-1]) as v:
        for name in "abc":
            v.users.rate_limits.acquire([RateLimit(name, 1, MINUTE)])
        moments.append(NOW + timedelta(minutes=2))
        v.users.rate_limits.acquire([RateLimit("d", 1, MINUTE)])
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection:
        assert connection.execute("SELECT key FROM vigility_attempts").fetchall() == [("d",)]


steps = st.lists(st.tuples(st.integers(0, 90), st.sampled_from("ab"), st.integers(1, 3)), max_size=30)


@given(steps)
def test_sqlite_limits_as_memory_does(tmp_path_factory, steps):
    moments = [NOW]
    path = tmp_path_factory.mktemp("attempts") / "usage.db"
    with (
        vigility.connect("memory:", clock=lambda: moments[-1]) as oracle,
        vigility.connect(str(path), clock=lambda: moments[-1]) as v,
    ):
        for seconds, key, burst in steps:
            moments.append(moments[-1] + timedelta(seconds=seconds))
            limits = [RateLimit(key, burst, MINUTE), RateLimit("all", 4, MINUTE)]
            assert v.users.rate_limits.acquire(limits) == oracle.users.rate_limits.acquire(limits)


def test_ping_succeeds_if_the_database_can_be_read(moving):
    v, _ = moving
    v.maintenance.ping()
