"""What a worker knows of tokens and users: never older than it may be, whatever happens meanwhile."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from support.web_client import ADA
from vigility.auth.tokens import Claims
from vigility.web.auth.session_cache import FRESH_SECONDS, SessionCache
from vigility.web.http.executors import Executors

TIMEOUT = 60
CLAIMS = Claims("token", 1, "ada", datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))


@pytest.fixture
def moment(monkeypatch):
    """The time, in a list: it is changed by the test."""
    time = [1_000.0]
    monkeypatch.setattr("vigility.web.auth.session_cache.monotonic", lambda: time[0])
    return time


@pytest.fixture
def ada(v):
    return v.register(**ADA)


@pytest.fixture
def threads():
    threads = Executors(password_threads=1)
    yield threads
    threads.stop()


def test_a_look_up_that_took_long_does_not_undo_a_newer_reading(v, ada, threads, moment, monkeypatch):
    users_named = v.users.by_names
    began, goes_on = threading.Event(), threading.Event()

    def slow_at_first(names):
        found = users_named(names)
        if names and not began.is_set():
            began.set()
            assert goes_on.wait(TIMEOUT)
        return found

    monkeypatch.setattr(v.users, "by_names", slow_at_first)

    async def read_meanwhile():
        standing = SessionCache(v, threads)
        slow = asyncio.ensure_future(standing.user_for(CLAIMS))
        assert await asyncio.to_thread(began.wait, TIMEOUT)
        v.maintenance.wipe()
        moment[0] += FRESH_SECONDS
        assert await standing.user_for(CLAIMS) is None
        goes_on.set()
        assert await slow == ada  # as it was when that was asked
        return standing.cached_user(CLAIMS), await standing.user_for(CLAIMS)

    assert asyncio.run(read_meanwhile()) == (None, None)


def test_a_fault_while_renewing_is_in_the_log_and_the_next_renewal_goes_well(
    v, ada, threads, moment, monkeypatch, caplog
):
    async def renew():
        standing = SessionCache(v, threads)
        assert await standing.user_for(CLAIMS) == ada
        moment[0] += 1.5
        with monkeypatch.context() as broken:
            broken.setattr(v.users.sessions, "revoked", lambda: 1 / 0)
            assert standing.cached_user(CLAIMS) == ada
            await asyncio.wait([standing._refresh])
        assert standing.cached_user(CLAIMS) == ada
        await asyncio.wait([standing._refresh])
        moment[0] += 1.5
        return standing.cached_user(CLAIMS)

    assert asyncio.run(renew()) == ada
    assert "ZeroDivisionError" in caplog.text


def test_after_the_stop_nothing_is_read(v, ada, threads, moment, monkeypatch):
    began, goes_on, read = threading.Event(), threading.Event(), []

    def ended():
        read.append("tokens")
        began.set()
        assert goes_on.wait(TIMEOUT)
        return frozenset()

    async def stop_in_between():
        standing = SessionCache(v, threads)
        assert await standing.user_for(CLAIMS) == ada
        monkeypatch.setattr(v.users.sessions, "revoked", ended)
        monkeypatch.setattr(v.users, "by_names", lambda _: read.append("users"))
        moment[0] += 1.5
        standing.cached_user(CLAIMS)
        assert await asyncio.to_thread(began.wait, TIMEOUT)
        await standing.stop()
        goes_on.set()
        threads.stop()
        await asyncio.sleep(0.05)

    asyncio.run(stop_in_between())
    assert read == ["tokens"]
    assert threads._database is None, "no threads were started anew"
