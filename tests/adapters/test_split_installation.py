"""Users, tokens and rate limits in one database, events in another."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import vigility
from vigility import Filters, NewEvent, UnknownUser, UserGone
from vigility.adapters.memory.backend import MemoryBackend, open_memory
from vigility.adapters.memory.events import MemoryEvents
from vigility.bootstrap import DatabaseUrl, PoolSettings, backend_for
from vigility.core.database_copy import Copy
from vigility.core.events.group_commit import GroupCommit
from vigility.core.service import Vigility

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class EventsInMemory(MemoryBackend):
    """A database that holds events only; the users are elsewhere."""

    def __init__(self, users):
        super().__init__()
        self.events = MemoryEvents(threading.RLock(), users)


@pytest.fixture
def installation(url):
    parsed = DatabaseUrl.parse(url)
    accounts = backend_for(parsed).open(parsed, upgrade=True, pool=PoolSettings())
    elsewhere = EventsInMemory(accounts.users)
    yield replace(
        accounts,
        sink=elsewhere.events,
        reports=elsewhere.events,
        rollups=elsewhere.events,
        event_log=elsewhere.events,
        backends=(elsewhere, *accounts.backends),
    )
    accounts.close()


@pytest.fixture
def v(installation):
    with Vigility(installation, GroupCommit(installation.sink), hasher=None, clock=lambda: NOW) as v:
        v.users.add_without_password("ada", 36, "Female")
        yield v


def test_events_are_tracked_and_reported_where_they_are(v):
    v.track("ada", "a")
    assert v.track_many([NewEvent("ada", "b"), NewEvent("bob", "b")]).accepted == 1
    assert v.report(Filters(gender="Female"), "a").total == 2
    with pytest.raises(UnknownUser):
        v.track("bob", "a")


def test_tokens_and_rate_limits_are_where_the_users_are(v, installation):
    v.users.sessions.revoke("token", NOW.replace(year=2027))
    assert installation.revoked_tokens.current(0) == {"token"}


def test_a_wipe_empties_both(v):
    v.track("ada", "a")
    v.maintenance.ping()
    v.maintenance.wipe()
    assert v.maintenance.is_empty()
    assert v.report().total == 0


def test_an_event_of_a_user_who_is_gone_is_refused(v, installation):
    ada = v.users.get("ada")
    installation.backends[1].wipe()
    outcomes = []
    v.events.enqueue(ada, "a", None, outcomes.append)
    assert v.flush(60)
    assert isinstance(outcomes[0], UserGone)


def test_a_split_installation_is_copied_whole(v, installation):
    v.track("ada", "a")
    target = open_memory()
    copy = Copy(installation, target, lambda: NOW)
    copy.begin()
    copy.users()
    while copy.events():
        pass
    assert not copy.finish()
    with Vigility(target, GroupCommit(target.sink), hasher=None, clock=lambda: NOW) as copied:
        assert copied.report(feature="a") == v.report(feature="a")


def test_a_copy_into_a_database_of_its_own_is_refused(installation):
    with pytest.raises(vigility.InvalidInput, match="target must be another database than the source"):
        Copy(installation, replace(open_memory(), backends=installation.backends[1:]), lambda: NOW).begin()
