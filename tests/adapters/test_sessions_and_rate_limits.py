"""Revoked sessions and rate limits, over every storage backend."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

import vigility
from support import postgres
from support.installations import database_of
from support.strategies import CREATED as NOW
from vigility.adapters.sql.schema import revoked_tokens
from vigility.auth.passwords import BcryptHasher
from vigility.core.sessions.known_networks import MAX_PER_ACCOUNT
from vigility.core.sessions.rate_limit import RateLimit
from vigility.core.times import MICROS_PER_SECOND, to_micros

MINUTE = 60 * MICROS_PER_SECOND


@pytest.fixture
def moving(url):
    """A database, and a list whose last moment is the present."""
    moments = [NOW]
    with vigility.connect(url, clock=lambda: moments[-1], hasher=BcryptHasher(4)) as v:
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


def revoke_hourly(v, moments, hours):
    """Revoke a token each hour, so that the revocations see these hours pass."""
    for _ in range(hours):
        moments.append(moments[-1] + timedelta(hours=1))
        v.users.sessions.revoke(moments[-1].isoformat(), moments[-1] + timedelta(hours=24))


def stored(v):
    return set(v.users.sessions.revoked_after(0).kept_until)


def test_a_token_is_deleted_25_hours_after_it_was_revoked(moving):
    v, moments = moving
    v.users.sessions.revoke("a", NOW + timedelta(hours=24))
    revoke_hourly(v, moments, 24)
    assert "a" in stored(v)
    revoke_hourly(v, moments, 1)
    assert "a" not in stored(v)
    assert len(stored(v)) == 25
    revoke_hourly(v, moments, 30)
    assert len(stored(v)) == 25, "what is forgotten must make room"


@pytest.mark.parametrize("jump", [timedelta(days=366), timedelta(days=-366)], ids=["ahead", "behind"])
def test_a_token_stays_revoked_though_the_clock_jumps_and_is_put_right(moving, jump):
    v, moments = moving
    v.users.sessions.revoke("a", NOW + timedelta(hours=24))
    moments.append(NOW + jump)
    v.users.sessions.revoke("b", NOW + jump + timedelta(hours=24))
    v.users.sessions.revoke("c", NOW + jump + timedelta(hours=24))
    moments.append(NOW + timedelta(minutes=1))
    v.users.sessions.revoke("d", NOW + timedelta(hours=24))
    assert v.users.sessions.revoked() >= {"a", "d"}
    assert stored(v) == {"a", "b", "c", "d"}
    revoke_hourly(v, moments, 26)
    assert "a" not in stored(v)


def test_a_token_of_a_clock_that_was_ahead_stays_revoked_as_long_as_it_would_be_valid(moving):
    v, moments = moving
    v.users.sessions.revoke("a", NOW + timedelta(hours=60))
    revoke_hourly(v, moments, 60)
    assert "a" in stored(v)
    revoke_hourly(v, moments, 1)
    assert "a" not in stored(v)


def test_a_reader_reads_only_what_is_new(moving):
    v, _ = moving
    read = v.users.sessions.revoked_after
    assert not read(0).kept_until
    for name in "abc":
        v.users.sessions.revoke(name, NOW + timedelta(hours=24))
    first = read(0)
    assert (list(first.kept_until), first.is_last) == (["a", "b", "c"], True)
    assert not read(first.position).kept_until
    v.users.sessions.revoke("b", NOW + timedelta(hours=24))
    v.users.sessions.revoke("d", NOW + timedelta(hours=24))
    assert list(read(first.position).kept_until) == ["d"]


def test_many_tokens_are_read_in_pages(moving):
    v, _ = moving
    tokens = v.users.sessions._tokens
    tokens.add_all({str(n): 10**18 for n in range(7)}, 0)
    tokens.add_all({str(n): 10**18 for n in range(9)}, 0)
    seen, position, is_last = [], 0, False
    while not is_last:
        page = tokens.after(position, 3)
        assert len(page.kept_until) <= 3
        seen += page.kept_until
        position, is_last = page.position, page.is_last
    assert sorted(seen) == [str(n) for n in range(9)]
    assert tokens.after(position, 3).is_last


def test_a_reader_misses_no_token_that_is_revoked_meanwhile(open_database):
    """Numbers must appear in ascending order, whichever process commits first."""
    writers, reader = [open_database() for _ in range(4)], open_database()
    if writers[0]._installation.identity != reader._installation.identity:  # each has a memory of its own
        writers = [reader] * 4
    with ThreadPoolExecutor(len(writers)) as pool:
        revoking = [pool.submit(revoke_many, v, number) for number, v in enumerate(writers)]
        seen, position = set(), 0
        while not all(each.done() for each in revoking):
            page = reader.users.sessions.revoked_after(position)
            seen |= page.kept_until.keys()
            position = page.position
    seen |= reader.users.sessions.revoked_after(position).kept_until.keys()
    assert seen == {f"{number} {n}" for number in range(4) for n in range(30)}


def revoke_many(v, number):
    for n in range(30):
        v.users.sessions.revoke(f"{number} {n}", NOW + timedelta(hours=24))


def test_a_reader_starts_again_when_an_older_database_was_put_back(moving):
    v, _ = moving
    v.users.sessions.revoke("a", NOW + timedelta(hours=24))
    assert list(v.users.sessions._tokens.after(0, 9).kept_until) == ["a"]
    if "memory" not in str(v._installation.identity):
        assert list(v.users.sessions._tokens.after(5, 9).kept_until) == ["a"]


@pytest.mark.parametrize("url", ["sqlite", postgres.PARAM], indirect=True)  # what other processes use
def test_what_an_older_version_revokes_is_read_and_then_numbered(moving):
    v, _ = moving
    v.users.sessions.revoke("a", NOW + timedelta(hours=24))
    with database_of(v).writing() as connection:
        connection.execute(insert(revoked_tokens), [{"token_id": "old", "expires": to_micros(NOW) + MINUTE}])
    read = v.users.sessions.revoked_after
    position = read(0).position
    assert [list(read(position).kept_until) for _ in range(2)] == [["old"], ["old"]]
    v.users.sessions.revoke("b", NOW + timedelta(hours=24))
    assert list(read(position).kept_until) == ["old", "b"]
    assert not read(read(position).position).kept_until


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


def test_an_attempt_can_be_taken_back(moving):
    v, moments = moving
    limits = [RateLimit("narrow", 1, MINUTE), RateLimit("wide", 2, MINUTE)]
    for _ in range(3):
        assert v.users.rate_limits.acquire(limits) == 0
        v.users.rate_limits.release(limits)
    assert v.users.rate_limits.acquire(limits) == 0
    moments.append(NOW + timedelta(minutes=5))
    v.users.rate_limits.release(limits)  # long after: nothing is left to take back
    assert v.users.rate_limits.acquire(limits) == 0
    assert v.users.rate_limits.acquire(limits) == 60


def test_a_check_counts_nothing(moving):
    v, moments = moving
    limits = [RateLimit("a", 2, MINUTE), RateLimit("b", 9, MINUTE)]
    assert [v.users.rate_limits.check(limits) for _ in range(3)] == [0, 0, 0]
    for _ in range(2):
        v.users.rate_limits.acquire(limits)
    assert v.users.rate_limits.check(limits) == 60
    moments.append(NOW + timedelta(seconds=60))
    assert [v.users.rate_limits.check(limits) for _ in range(3)] == [0, 0, 0]
    assert v.users.rate_limits.check([]) == 0


@pytest.mark.parametrize("use", ["acquire", "check"])
@pytest.mark.parametrize("jump", [timedelta(days=366), timedelta(days=-366)], ids=["ahead", "behind"])
def test_a_clock_that_jumps_and_is_put_right_locks_nobody_out(moving, jump, use):
    v, moments = moving
    limit = [RateLimit("k", burst=3, interval=MINUTE)]
    moments.append(NOW + jump)
    assert [v.users.rate_limits.acquire(limit) for _ in range(4)] == [0, 0, 0, 60]
    moments.append(NOW)
    assert getattr(v.users.rate_limits, use)(limit) == 0
    moments.append(NOW + timedelta(seconds=60))
    assert v.users.rate_limits.acquire(limit) == 0
    moments.append(NOW + timedelta(minutes=10))
    assert [v.users.rate_limits.acquire(limit) for _ in range(4)] == [0, 0, 0, 60]


def test_two_clocks_that_differ_a_little_give_no_further_attempts(moving):
    v, moments = moving
    limit = [RateLimit("k", burst=3, interval=MINUTE)]
    passed = 0
    for n in range(40):
        moments.append(NOW + timedelta(minutes=4 * (n % 2)))
        passed += not v.users.rate_limits.acquire(limit)
    assert passed <= 3 + 4


def test_known_networks_are_forgotten_after_90_days(moving):
    v, moments = moving
    known = v.users.known_networks
    known.remember("ada", "home")
    assert (known.contains("ada", "home"), known.contains("ada", "x")) == (True, False)
    assert not known.contains("bob", "home")
    moments.append(NOW + timedelta(days=60))
    known.remember("ada", "home")
    moments.append(NOW + timedelta(days=149))
    assert known.contains("ada", "home")
    moments.append(NOW + timedelta(days=150))
    assert not known.contains("ada", "home")
    moments.append(NOW - timedelta(days=365))
    assert known.contains("ada", "home"), "a clock that was put back must not lock anybody out"


def test_an_account_has_a_bounded_number_of_known_networks(moving):
    v, moments = moving
    known = v.users.known_networks
    known.remember("bob", "x")
    for n in range(MAX_PER_ACCOUNT + 5):
        moments.append(NOW + timedelta(minutes=n))
        known.remember("ada", f"network {n}")
    kept = [n for n in range(MAX_PER_ACCOUNT + 5) if known.contains("ada", f"network {n}")]
    assert kept == list(range(5, MAX_PER_ACCOUNT + 5))
    assert known.contains("bob", "x")


def test_a_wipe_forgets_known_networks(moving):
    v, _ = moving
    v.users.known_networks.remember("ada", "home")
    v.maintenance.wipe()
    assert not v.users.known_networks.contains("ada", "home")


def test_a_hash_is_replaced_only_if_it_is_still_the_one_that_was_read(moving):
    v, _ = moving
    users = v._installation.users
    ada = v.register("ada", "a long password", 36, "Female")
    v.users.add_without_password("bob", 36, "Male")
    assert users.password_hash_beginnings(7) == {ada.password_hash[:7]}
    assert users.replace_password_hash(ada.id, ada.password_hash, "$2b$13$new")
    assert not users.replace_password_hash(ada.id, ada.password_hash, "$2b$13$late")
    assert not users.replace_password_hash(99, ada.password_hash, "$2b$13$nobody")
    assert v.users.get("ada").password_hash == "$2b$13$new"
    assert users.password_hash_beginnings(7) == {"$2b$13$"}


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
