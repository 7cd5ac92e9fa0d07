"""Group commit over sinks that are slow, full, broken or unavailable: every caller gets the true outcome."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import vigility
from vigility import EventConflict, Gender, NewEvent, NewUser, StoredEvent, StoreError, StoreUnavailable
from vigility.adapters.memory.backend import open_memory
from vigility.core.errors import OutcomeUnknown, QueueFull
from vigility.core.events import group_commit
from vigility.core.events.group_commit import GroupCommit
from vigility.core.events.model import EventRecord

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"
TIMEOUT = 60


def record(feature="x", event_id=None, user_id=1):
    return EventRecord(user_id, feature, 0, 20, "Other", event_id)


class Gate:
    """A sink in memory behind a gate. It blocks and fails transactions on demand, and records their sizes."""

    assigns_ids = True

    def __init__(self):
        installation = open_memory()
        self.events = installation.event_log
        installation.users.add(NewUser(username="ada", age=20, gender=Gender.OTHER, created=NOW))
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)
        self.sizes = []
        self.failures = []

    def add(self, records):
        self.entered.release()
        assert self.open.wait(TIMEOUT)
        if self.failures and (error := self.failures.pop(0)):
            raise error
        if any(entry.feature == "poison" for entry in records):
            raise StoreError("no such user")
        self.sizes.append(len(records))
        return self.events.add(records)

    @contextmanager
    def shut(self, writer, outcomes):
        """Inside the block one event of the writer is being stored, and all further ones wait."""
        self.open.clear()
        outcomes.of(writer)
        assert self.entered.acquire(timeout=TIMEOUT)
        try:
            yield
        finally:
            self.open.set()
        assert writer.flush(TIMEOUT)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def writer(gate):
    group = GroupCommit(gate, capacity=10, retry_seconds=60)
    yield group
    gate.open.set()
    assert group.close(TIMEOUT)


@pytest.fixture
def no_retry(gate):
    """A writer that does not retry."""
    group = GroupCommit(gate, retry_seconds=0)
    yield group
    assert group.close(TIMEOUT)


class Outcomes(list):
    def of(self, writer, *args, **kwargs):
        position = len(self)
        self.append(None)
        writer.submit(record(*args, **kwargs), lambda outcome: self.__setitem__(position, outcome))


def test_events_that_wait_during_a_transaction_are_stored_in_the_next(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for _ in range(5):
            outcomes.of(writer)
        assert outcomes == [None] * 6, "no caller may be answered before the commit"
        assert (writer.pending, writer.queued) == (6, 5)
    assert gate.sizes == [1, 5]
    assert [outcome.event.id for outcome in outcomes] == [1, 2, 3, 4, 5, 6]
    assert writer.pending == 0


def test_a_full_queue_refuses_events(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for _ in range(10):
            outcomes.of(writer)
        with pytest.raises(QueueFull, match="10 events are waiting"):
            writer.submit(record(), outcomes.append)
    assert len(gate.events) == 11
    outcomes.of(writer)
    assert writer.flush(TIMEOUT)
    assert all(isinstance(outcome, StoredEvent) for outcome in outcomes)


def test_duplicates_and_conflicts_are_reported_to_their_own_callers(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        outcomes.of(writer, event_id=EVENT_ID)
        outcomes.of(writer, event_id=EVENT_ID)
        outcomes.of(writer, event_id=EVENT_ID, feature="y")
        outcomes.of(writer)
    assert gate.sizes == [1, 4]
    _, first, again, conflict, another = outcomes
    assert (first.repeated, again.repeated, another.repeated) == (False, True, False)
    assert again.event == first.event
    assert isinstance(conflict, EventConflict)
    assert [first.event.id, another.event.id] == [2, 3]


def test_a_temporary_failure_is_retried_and_loses_nothing(gate, writer):
    gate.failures = [StoreUnavailable("locked"), StoreUnavailable("locked")]
    outcomes = Outcomes()
    outcomes.of(writer)
    assert writer.flush(TIMEOUT)
    assert isinstance(outcomes[0], StoredEvent)
    assert len(gate.events) == 1


def test_a_permanent_failure_is_reported_and_the_next_batch_is_stored(gate, no_retry):
    outcomes = Outcomes()
    gate.failures = [StoreUnavailable("disk full")]
    outcomes.of(no_retry)
    assert no_retry.flush(TIMEOUT)
    outcomes.of(no_retry)
    assert no_retry.close(TIMEOUT)
    assert isinstance(outcomes[0], StoreUnavailable)
    assert isinstance(outcomes[1], StoredEvent)
    assert len(gate.events) == 1


def test_events_that_waited_for_an_unavailable_sink_are_refused_with_the_batch(gate, no_retry):
    outcomes = Outcomes()
    with gate.shut(no_retry, outcomes):
        for _ in range(3):
            outcomes.of(no_retry)
        gate.failures = [StoreUnavailable("locked")]
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 4
    assert no_retry.pending == 0
    outcomes.of(no_retry)
    assert no_retry.close(TIMEOUT)
    assert isinstance(outcomes[-1], StoredEvent)
    assert gate.sizes == [1]


def test_halves_of_a_batch_are_not_tried_once_the_sink_is_unavailable(gate, no_retry):
    outcomes = Outcomes()
    with gate.shut(no_retry, outcomes):
        for _ in range(8):
            outcomes.of(no_retry)
        gate.failures = [None, StoreError("one of them"), StoreUnavailable("gone")]
    assert [type(outcome) for outcome in outcomes] == [StoredEvent] + [StoreUnavailable] * 8
    assert no_retry.close(TIMEOUT)
    assert gate.sizes == [1]


def test_closing_tries_every_waiting_event():
    gate, outcomes = Gate(), Outcomes()
    group = GroupCommit(gate)
    with gate.shut(group, outcomes):
        for _ in range(3):
            outcomes.of(group)
        gate.failures = [StoreUnavailable("locked")]
        assert not group.close(0)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, *[StoredEvent] * 3]


def test_a_batch_of_unknown_outcome_is_not_retried(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for _ in range(3):
            outcomes.of(writer)
        gate.failures = [None, OutcomeUnknown("lost while it committed")]
    assert [type(outcome) for outcome in outcomes] == [StoredEvent, *[OutcomeUnknown] * 3]
    assert gate.sizes == [1]


def test_a_writer_with_several_callers_waits_for_as_many_as_last_time(gate, writer, monkeypatch):
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 10 * TIMEOUT)
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for _ in range(3):
            outcomes.of(writer)
    for _ in range(3):
        outcomes.of(writer)
    assert writer.flush(TIMEOUT)
    assert gate.sizes == [1, 3, 3]


def test_a_lone_caller_waits_once_after_several_callers(gate, writer, monkeypatch):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for _ in range(3):
            outcomes.of(writer)
    outcomes.of(writer)  # waits for others, for at most GATHER_SECONDS
    assert writer.flush(TIMEOUT)
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 10 * TIMEOUT)
    outcomes.of(writer)
    assert writer.flush(TIMEOUT)
    assert gate.sizes == [1, 3, 1, 1]


def test_closing_ends_the_wait_for_other_callers(gate, monkeypatch):
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 10 * TIMEOUT)
    group, outcomes = GroupCommit(gate), Outcomes()
    with gate.shut(group, outcomes):
        for _ in range(3):
            outcomes.of(group)
    outcomes.of(group)
    assert group.close(TIMEOUT)
    assert isinstance(outcomes[-1], StoredEvent)


def test_nothing_is_queued_if_no_thread_can_start(gate, monkeypatch):
    def start(_):
        raise RuntimeError("can't start new thread")

    group, outcomes = GroupCommit(gate), Outcomes()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(StoreUnavailable, match="can't start new thread"):
            outcomes.of(group)
    assert group.pending == 0
    outcomes.of(group)
    assert group.close(TIMEOUT)
    assert len(gate.events) == 1


def test_a_sink_that_reports_too_few_events_is_not_retried(gate, writer, monkeypatch):
    add = gate.events.add
    monkeypatch.setattr(gate.events, "add", lambda records: replace(add(records), ids=()))
    outcomes = Outcomes()
    outcomes.of(writer)
    assert writer.flush(TIMEOUT)
    monkeypatch.undo()
    outcomes.of(writer)
    assert writer.flush(TIMEOUT)
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, StoredEvent]
    assert len(gate.events) == 2


def test_one_bad_record_does_not_affect_the_others(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for feature in ("a", "b", "poison", "c", "d"):
            outcomes.of(writer, feature)
    assert [isinstance(outcome, StoredEvent) for outcome in outcomes] == [True, True, True, False, True, True]
    assert isinstance(outcomes[3], StoreError)
    assert len(gate.events) == 5


def test_a_bug_in_the_sink_is_reported_and_the_thread_survives(gate, writer):
    gate.failures = [ZeroDivisionError("bug")]
    outcomes = Outcomes()
    outcomes.of(writer)
    assert writer.flush(TIMEOUT)
    outcomes.of(writer)
    assert writer.flush(TIMEOUT)
    assert isinstance(outcomes[0], StoreError)
    assert isinstance(outcomes[1], StoredEvent)


def test_a_caller_that_raises_does_not_affect_the_others(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        writer.submit(record(), lambda _: 1 / 0)
        outcomes.of(writer)
    assert all(isinstance(outcome, StoredEvent) for outcome in outcomes)


def test_flush_and_close_report_events_that_still_wait(gate, writer):
    gate.open.clear()
    Outcomes().of(writer)
    assert gate.entered.acquire(timeout=TIMEOUT)
    assert not writer.flush(timeout=0)
    assert not writer.close(timeout=0)


def test_a_closed_writer_refuses_events(gate):
    group = GroupCommit(gate)
    assert group.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        group.submit(record(), print)


def test_closing_stores_waiting_events(gate):
    group = GroupCommit(gate)
    outcomes = Outcomes()
    for _ in range(100):
        outcomes.of(group)
    assert group.close(TIMEOUT)
    assert len(gate.events) == 100


def test_a_closed_writer_stays_closed_in_a_forked_child(gate):
    group = GroupCommit(gate)
    group.close()
    child = os.fork()
    if child == 0:
        with suppress(StoreUnavailable):
            group.submit(record(), print)
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_forked_child_does_not_store_events_of_the_parent(gate):
    group = GroupCommit(gate)
    outcomes = Outcomes()
    gate.open.clear()
    outcomes.of(group)
    assert gate.entered.acquire(timeout=TIMEOUT)
    outcomes.of(group)
    child = os.fork()
    if child == 0:
        gate.open.set()
        status = 1
        try:
            assert group.pending == 0
            own = Outcomes()
            own.of(group)
            assert group.flush(TIMEOUT)
            assert gate.sizes == [1]
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    gate.open.set()
    assert group.close(TIMEOUT)
    assert gate.sizes == [1, 1]


def test_many_threads_track_through_one_writer(tmp_path):
    with vigility.connect(str(tmp_path / "usage.db"), clock=lambda: NOW) as v:
        v.users.add_without_password("ada", 36, "Female")
        with ThreadPoolExecutor(16) as pool:
            ids = list(pool.map(lambda _: v.track("ada", "x").id, range(400)))
        assert sorted(ids) == list(range(1, 401))
        assert v.report().total == 400
        assert v.maintenance.verify_rollups() == []


def test_submitted_events_are_in_reports_after_flush(tmp_path):
    with vigility.connect(str(tmp_path / "usage.db"), clock=lambda: NOW) as v:
        v.users.add_without_password("ada", 36, "Female")
        futures = [v.submit("ada", "x") for _ in range(500)]
        assert v.flush(TIMEOUT)
        assert v.events.queued == 0
        assert all(future.done() for future in futures)
        assert v.report().total == 500
        with pytest.raises(vigility.UnknownUser):
            v.submit("eve", "x")


AT_EXIT = """
import sys, vigility
v = vigility.connect(sys.argv[1])
for _ in range(300):
    v.submit("ada", "x")
# neither flush nor close
"""


def test_interpreter_exit_stores_submitted_events(tmp_path):
    path = tmp_path / "usage.db"
    with vigility.connect(str(path)) as v:
        v.users.add_without_password("ada", 36, "Female")
        subprocess.run([sys.executable, "-c", AT_EXIT, path], check=True)
        assert v.report().total == 300


def test_track_track_many_and_submit_share_event_ids(tmp_path):
    with vigility.connect(str(tmp_path / "usage.db"), clock=lambda: NOW) as v:
        v.users.add_without_password("ada", 36, "Female")
        first = v.track("ada", "x", event_id=EVENT_ID)
        assert v.track_many([NewEvent("ada", "x", NOW, EVENT_ID)]).duplicates == 1
        assert v.submit("ada", "x", event_id=EVENT_ID).result(TIMEOUT).event == first
