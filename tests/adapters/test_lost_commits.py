"""The connection breaks while PostgreSQL commits: what callers are told must be true.

Events without an event_id are the hard case: nothing shows that one is stored twice.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from urllib.parse import urlsplit

import pytest

import vigility
from support import postgres
from support.cutting_proxy import AFTER_COMMIT, BEFORE_COMMIT, DURING_COMMIT, CuttingProxy
from support.installations import queue_of
from support.web_server import TIMEOUT
from vigility import NewEvent, OutcomeUnknown, StoreUnavailable
from vigility.adapters.sql.postgres import commit_log
from vigility.core.errors import UsernameTaken

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def direct():
    with postgres.temporary_database() as url:
        yield url


@pytest.fixture
def proxy(direct):
    with CuttingProxy(urlsplit(direct).port) as proxy:
        yield proxy


@pytest.fixture
def v(direct, proxy):
    with vigility.connect(proxy.url(direct)) as opened:
        opened.users.add_without_password("ada", 36, "Female")
        yield opened


def stored(direct):
    return [number for (number,) in postgres.sql(direct, "SELECT id FROM vigility_events ORDER BY id")]


@pytest.mark.parametrize("cut", [BEFORE_COMMIT, DURING_COMMIT, AFTER_COMMIT])
def test_an_event_without_an_event_id_is_stored_once_under_the_returned_id(v, proxy, direct, cut):
    proxy.next_cuts = [cut] * 3
    returned = [v.track("ada", "x").id for _ in range(10)]
    assert proxy.cuts_made == [cut] * 3
    assert stored(direct) == sorted(returned)
    assert v.maintenance.verify_rollups() == []


def test_many_callers_with_cuts_at_random_moments(v, proxy, direct, monkeypatch):
    monkeypatch.setattr(queue_of(v), "_retry_seconds", TIMEOUT)  # for several cuts in a row
    random = Random(6)  # noqa: S311 - can be repeated
    proxy.next_cuts = [random.choice((BEFORE_COMMIT, DURING_COMMIT, AFTER_COMMIT, None)) for _ in range(60)]
    with ThreadPoolExecutor(8) as pool:
        returned = list(pool.map(lambda _: v.track("ada", "x").id, range(300)))
        while proxy.next_cuts:
            returned += pool.map(lambda _: v.track("ada", "x").id, range(20))
    assert len(proxy.cuts_made) > 30
    assert stored(direct) == sorted(returned)
    assert v.maintenance.verify_rollups() == []


def test_control_treating_a_lost_response_as_a_failure_stores_twice(v, proxy, direct, monkeypatch):
    monkeypatch.setattr(commit_log.CommitStatus, "is_committed", lambda *_: False)
    proxy.next_cuts = [AFTER_COMMIT]
    returned = [v.track("ada", "x").id]
    assert len(stored(direct)) == len(returned) + 1


def test_control_treating_a_lost_response_as_a_success_loses_events(v, proxy, direct, monkeypatch):
    monkeypatch.setattr(commit_log.CommitStatus, "is_committed", lambda *_: True)
    proxy.next_cuts = [BEFORE_COMMIT]
    v.track("ada", "x")
    assert stored(direct) == []


def test_a_batch_that_was_not_committed_is_reported_as_not_stored(v, proxy, direct):
    events = [NewEvent("ada", "x", NOW)] * 50
    proxy.next_cuts = [BEFORE_COMMIT]
    with pytest.raises(StoreUnavailable):
        v.track_many(events)
    assert stored(direct) == []
    proxy.next_cuts = [AFTER_COMMIT]
    assert v.track_many(events).accepted == 50
    assert len(stored(direct)) == 50


def test_the_outcome_of_a_registration_is_reported(v, proxy):
    proxy.next_cuts = [AFTER_COMMIT]
    assert v.users.add_without_password("bob", 20, "Other").id == v.users.get("bob").id
    proxy.next_cuts = [BEFORE_COMMIT]
    with pytest.raises(StoreUnavailable):
        v.users.add_without_password("eve", 20, "Other")
    v.users.add_without_password("eve", 20, "Other")
    with pytest.raises(UsernameTaken):
        v.users.add_without_password("eve", 20, "Other")


@pytest.mark.parametrize("cut", [BEFORE_COMMIT, AFTER_COMMIT])
def test_the_outcome_is_unknown_and_not_retried_if_the_server_does_not_return(
    v, proxy, direct, cut, monkeypatch
):
    monkeypatch.setattr(commit_log, "TIMEOUT_SECONDS", 0.3)
    proxy.next_cuts, proxy.refuse_after_cut = [cut], True
    with pytest.raises(OutcomeUnknown):
        v.track("ada", "x")
    proxy.refusing = False
    v.track("ada", "y")
    assert len(stored(direct)) == (2 if cut == AFTER_COMMIT else 1)


def test_the_outcome_is_known_if_the_server_returns_in_time(v, proxy, direct):
    proxy.next_cuts, proxy.refuse_after_cut = [AFTER_COMMIT], True
    outcome = v.submit("ada", "x")
    assert proxy.refused_one.wait(TIMEOUT)
    proxy.refusing = False
    number = outcome.result(TIMEOUT).event.id
    assert stored(direct) == [number]
