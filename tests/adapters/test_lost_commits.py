"""The connection breaks while PostgreSQL commits: what is answered must be what is so.

Events without an event_id are the hard ones: nobody notices when they are stored twice.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from urllib.parse import urlsplit

import pytest

import vigility
from support import postgres
from support.cutting_proxy import AFTER_COMMIT, BEFORE_COMMIT, DURING_COMMIT, CuttingProxy
from support.web_server import TIMEOUT
from vigility import NewEvent, OutcomeUnknown, StoreUnavailable
from vigility.adapters.sql.postgres import commit_log
from vigility.core.errors import UsernameTaken

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
def test_an_event_without_an_id_is_stored_once_and_answered_truly(v, proxy, direct, cut):
    proxy.next_cuts = [cut] * 3
    answered = [v.track("ada", "x").id for _ in range(10)]
    assert proxy.cuts_made == [cut] * 3
    assert stored(direct) == sorted(answered)
    assert v.maintenance.verify_rollups() == []


def test_many_at_once_with_cuts_at_random_moments(v, proxy, direct, monkeypatch):
    monkeypatch.setattr(v._tracker._writer, "_retry_seconds", TIMEOUT)  # for several cuts in a row
    random = Random(6)  # noqa: S311 - can be repeated
    proxy.next_cuts = [random.choice((BEFORE_COMMIT, DURING_COMMIT, AFTER_COMMIT, None)) for _ in range(60)]
    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(lambda _: v.track("ada", "x").id, range(300)))
        while proxy.next_cuts:
            answered += pool.map(lambda _: v.track("ada", "x").id, range(20))
    assert len(proxy.cuts_made) > 30
    assert stored(direct) == sorted(answered)
    assert v.maintenance.verify_rollups() == []


def test_control_one_who_takes_a_lost_answer_for_a_failure_stores_twice(v, proxy, direct, monkeypatch):
    monkeypatch.setattr(commit_log.CommitStatus, "is_committed", lambda *_: False)
    proxy.next_cuts = [AFTER_COMMIT]
    answered = [v.track("ada", "x").id]
    assert len(stored(direct)) == len(answered) + 1


def test_control_one_who_takes_a_lost_answer_for_a_success_loses(v, proxy, direct, monkeypatch):
    monkeypatch.setattr(commit_log.CommitStatus, "is_committed", lambda *_: True)
    proxy.next_cuts = [BEFORE_COMMIT]
    v.track("ada", "x")
    assert stored(direct) == []


def test_a_call_that_was_not_committed_says_that_nothing_is_stored(v, proxy, direct):
    events = [NewEvent("ada", "x", NOW)] * 50
    proxy.next_cuts = [BEFORE_COMMIT]
    with pytest.raises(StoreUnavailable):
        v.track_many(events)
    assert stored(direct) == []
    proxy.next_cuts = [AFTER_COMMIT]
    assert v.track_many(events).accepted == 50
    assert len(stored(direct)) == 50


def test_a_registration_is_told_what_became_of_it(v, proxy):
    proxy.next_cuts = [AFTER_COMMIT]
    assert v.users.add_without_password("bob", 20, "Other").id == v.users.get("bob").id
    proxy.next_cuts = [BEFORE_COMMIT]
    with pytest.raises(StoreUnavailable):
        v.users.add_without_password("eve", 20, "Other")
    v.users.add_without_password("eve", 20, "Other")
    with pytest.raises(UsernameTaken):
        v.users.add_without_password("eve", 20, "Other")


@pytest.mark.parametrize("cut", [BEFORE_COMMIT, AFTER_COMMIT])
def test_where_the_server_stays_away_nothing_is_claimed_and_nothing_sent_again(
    v, proxy, direct, cut, monkeypatch
):
    monkeypatch.setattr(commit_log, "PATIENCE_SECONDS", 0.3)
    proxy.next_cuts, proxy.refuse_after_cut = [cut], True
    with pytest.raises(OutcomeUnknown):
        v.track("ada", "x")
    proxy.refusing = False
    v.track("ada", "y")
    assert len(stored(direct)) == (2 if cut == AFTER_COMMIT else 1)


def test_a_server_that_is_back_in_time_tells(v, proxy, direct):
    proxy.next_cuts, proxy.refuse_after_cut = [AFTER_COMMIT], True
    outcome = v.submit("ada", "x")
    assert proxy.refused_one.wait(TIMEOUT)
    proxy.refusing = False
    number = outcome.result(TIMEOUT).event.id
    assert stored(direct) == [number]
