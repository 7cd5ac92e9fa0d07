"""The session cache of a worker is never older than allowed, whatever happens in the meantime."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from support.web_client import ADA
from vigility.auth.tokens import Claims
from vigility.core.sessions.ports import RevokedPage
from vigility.web.auth.session_cache import FRESH_SECONDS, SessionCache
from vigility.web.http.executors import Executors

TIMEOUT = 60
CLAIMS = Claims("token", 1, "ada", datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))


@pytest.fixture
def moment(monkeypatch):
    """The time of the session cache, in a list. It stands still until the test changes it."""
    time = [1_000.0]
    monkeypatch.setattr("vigility.web.auth.session_cache.monotonic", lambda: time[0])
    return time


@pytest.fixture
def ada(v):
    return v.register(**ADA)


@pytest.fixture
def executors():
    executors = Executors(password_threads=1)
    yield executors
    executors.stop()


def test_a_slow_lookup_does_not_overwrite_a_newer_one(v, ada, executors, moment, monkeypatch):
    by_names = v.users.by_names
    began, proceed = threading.Event(), threading.Event()

    def slow_at_first(names):
        found = by_names(names)
        if names and not began.is_set():
            began.set()
            assert proceed.wait(TIMEOUT)
        return found

    monkeypatch.setattr(v.users, "by_names", slow_at_first)

    async def look_up_twice():
        cache = SessionCache(v, executors)
        slow = asyncio.ensure_future(cache.user_for(CLAIMS))
        assert await asyncio.to_thread(began.wait, TIMEOUT)
        v.maintenance.wipe()
        moment[0] += FRESH_SECONDS
        assert await cache.user_for(CLAIMS) is None
        proceed.set()
        assert await slow == ada  # the user at the time of the lookup
        return cache.cached_user(CLAIMS), await cache.user_for(CLAIMS)

    assert asyncio.run(look_up_twice()) == (None, None)


def test_an_error_during_a_refresh_is_logged_and_the_next_one_succeeds(
    v, ada, executors, moment, monkeypatch, caplog
):
    async def refresh():
        cache = SessionCache(v, executors)
        assert await cache.user_for(CLAIMS) == ada
        moment[0] += 1.5
        with monkeypatch.context() as broken:
            broken.setattr(v.users.sessions, "revoked_after", lambda _: 1 / 0)
            assert cache.cached_user(CLAIMS) == ada
            await asyncio.wait([cache._refresh])
        assert cache.cached_user(CLAIMS) == ada
        await asyncio.wait([cache._refresh])
        moment[0] += 1.5
        return cache.cached_user(CLAIMS)

    assert asyncio.run(refresh()) == ada
    assert "ZeroDivisionError" in caplog.text


def test_nothing_is_read_after_the_stop(v, ada, executors, moment, monkeypatch):
    began, proceed, read = threading.Event(), threading.Event(), []

    def revoked_after(position):
        read.append("tokens")
        began.set()
        assert proceed.wait(TIMEOUT)
        return RevokedPage({}, 0, position, is_last=True)

    async def stop_during_a_refresh():
        cache = SessionCache(v, executors)
        assert await cache.user_for(CLAIMS) == ada
        monkeypatch.setattr(v.users.sessions, "revoked_after", revoked_after)
        monkeypatch.setattr(v.users, "by_names", lambda _: read.append("users"))
        moment[0] += 1.5
        cache.cached_user(CLAIMS)
        assert await asyncio.to_thread(began.wait, TIMEOUT)
        await cache.stop()
        proceed.set()
        executors.stop()
        await asyncio.sleep(0.05)

    asyncio.run(stop_during_a_refresh())
    assert read == ["tokens"]
    assert executors._database is None, "no threads may be started again"
