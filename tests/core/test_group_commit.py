"""Group commit against stores that are slow, full, broken or gone: every caller gets the truth."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import vigility
from vigility import EventConflict, Gender, NewEvent, NewUser, StoreError, StoreUnavailable, StoredEvent
from vigility.core.events import group_commit
from vigility.core.errors import OutcomeUnknown, QueueFull
from vigility.core.events.group_commit import GroupCommit
from vigility.core.events.model import EventRecord
from vigility.adapters.memory.backend import MemoryStore

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVENT_ID = "123e4567-e89b-42d3-a456-426614174000"


def record(feature="x", event_id=None, user_id=1):
    return EventRecord(user_id, feature, 0, 20, "Other", event_id)


class Gate:
    """The store in memory behind a gate: holds transactions up, fails them on demand, and counts them."""

    def __init__(self):
        self.store = MemoryStore()
        self.store.users.add(NewUser(username="ada", age=20, gender=Gender.OTHER, created=NOW))
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)
        self.sizes = []
        self.failures = []

    def add(self, records):
        self.entered.release()
        assert self.open.wait(10)
        if self.failures and (error := self.failures.pop(0)):
            raise error
        if any(entry.feature == "poison" for entry in records):
            raise StoreError("no such user")
        self.sizes.append(len(records))
        return self.store.events.add(records)

    @contextmanager
    def shut(self, writer, outcomes):
        """Inside, one event of the writer is being stored, and all that it is handed waits."""
        self.open.clear()
        outcomes.of(writer)
        assert self.entered.acquire(timeout=10)
        try:
            yield
        finally:
            self.open.set()
        assert writer.flush(10)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def writer(gate):
    group = GroupCommit(gate.add, capacity=10, retry_seconds=60)
    yield group
    gate.open.set()
    assert group.close(10)


@pytest.fixture
def hasty(gate):
    """A writer that tries nothing again."""
    group = GroupCommit(gate.add, retry_seconds=0)
    yield group
    assert group.close(10)


class Outcomes(list):
    def of(self, writer, *args, **kwargs):
        position = len(self)
        self.append(None)
        writer.submit(record(*args, **kwargs), lambda outcome: self.__setitem__(position, outcome))


def test_what_waits_while_one_transaction_runs_is_stored_in_the_next(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for _ in range(5):
            outcomes.of(writer)
        assert outcomes == [None] * 6, "nobody is answered before the commit"
        assert (writer.pending, writer.queued) == (6, 5)
    assert gate.sizes == [1, 5]
    assert [outcome.event.id for outcome in outcomes] == [1, 2, 3, 4, 5, 6]
    assert writer.pending == 0


def test_a_full_queue_refuses_and_queues_nothing(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for _ in range(10):
            outcomes.of(writer)
        with pytest.raises(QueueFull, match="10 events are waiting"):
            writer.submit(record(), outcomes.append)
    assert len(gate.store.events) == 11
    outcomes.of(writer)
    assert writer.flush(10)
    assert all(isinstance(outcome, StoredEvent) for outcome in outcomes)


def test_repeats_and_conflicts_are_told_to_their_own_callers(gate, writer):
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


def test_a_passing_failure_is_tried_again_and_keeps_the_batch(gate, writer):
    gate.failures = [StoreUnavailable("locked"), StoreUnavailable("locked")]
    outcomes = Outcomes()
    outcomes.of(writer)
    assert writer.flush(10)
    assert isinstance(outcomes[0], StoredEvent)
    assert len(gate.store.events) == 1


def test_a_lasting_failure_is_told_to_every_caller_and_the_next_batch_is_stored(gate, hasty):
    outcomes = Outcomes()
    gate.failures = [StoreUnavailable("disk full")]
    outcomes.of(hasty)
    assert hasty.flush(10)
    outcomes.of(hasty)
    assert hasty.close(10)
    assert isinstance(outcomes[0], StoreUnavailable)
    assert isinstance(outcomes[1], StoredEvent)
    assert len(gate.store.events) == 1


def test_those_who_waited_for_an_unavailable_store_are_told_with_those_who_tried(gate, hasty):
    outcomes = Outcomes()
    with gate.shut(hasty, outcomes):
        for _ in range(3):
            outcomes.of(hasty)
        gate.failures = [StoreUnavailable("locked")]
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 4
    assert hasty.pending == 0
    outcomes.of(hasty)
    assert hasty.close(10)
    assert isinstance(outcomes[-1], StoredEvent)
    assert gate.sizes == [1]


def test_halves_of_a_batch_are_not_tried_where_the_store_has_gone(gate, hasty):
    outcomes = Outcomes()
    with gate.shut(hasty, outcomes):
        for _ in range(8):
            outcomes.of(hasty)
        gate.failures = [None, StoreError("one of them"), StoreUnavailable("gone")]
    assert [type(outcome) for outcome in outcomes] == [StoredEvent] + [StoreUnavailable] * 8
    assert hasty.close(10)
    assert gate.sizes == [1]


def test_at_the_end_each_who_waits_is_tried():
    gate, outcomes = Gate(), Outcomes()
    group = GroupCommit(gate.add)
    with gate.shut(group, outcomes):
        for _ in range(3):
            outcomes.of(group)
        gate.failures = [StoreUnavailable("locked")]
        assert not group.close(0)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, *[StoredEvent] * 3]


def test_what_may_be_stored_is_not_sent_again(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for _ in range(3):
            outcomes.of(writer)
        gate.failures = [None, OutcomeUnknown("lost while it committed")]
    assert [type(outcome) for outcome in outcomes] == [StoredEvent, *[OutcomeUnknown] * 3]
    assert gate.sizes == [1]


def test_a_writer_that_had_company_goes_on_as_soon_as_as_many_have_come(gate, writer, monkeypatch):
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 60)
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for _ in range(3):
            outcomes.of(writer)
    for _ in range(3):
        outcomes.of(writer)
    assert writer.flush(10)
    assert gate.sizes == [1, 3, 3]


def test_after_a_crowd_a_lone_caller_waits_once(gate, writer, monkeypatch):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for _ in range(3):
            outcomes.of(writer)
    outcomes.of(writer)  # waits for others as long as it may, which is short
    assert writer.flush(10)
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 60)
    outcomes.of(writer)
    assert writer.flush(10)
    assert gate.sizes == [1, 3, 1, 1]


def test_closing_ends_the_wait_for_others(gate, monkeypatch):
    monkeypatch.setattr(group_commit, "GATHER_SECONDS", 60)
    group, outcomes = GroupCommit(gate.add), Outcomes()
    with gate.shut(group, outcomes):
        for _ in range(3):
            outcomes.of(group)
    outcomes.of(group)
    assert group.close(10)
    assert isinstance(outcomes[-1], StoredEvent)


def test_without_a_thread_nothing_is_queued(gate, monkeypatch):
    def start(_):
        raise RuntimeError("can't start new thread")

    group, outcomes = GroupCommit(gate.add), Outcomes()
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", start)
        with pytest.raises(StoreUnavailable, match="can't start new thread"):
            outcomes.of(group)
    assert group.pending == 0
    outcomes.of(group)
    assert group.close(10)
    assert len(gate.store.events) == 1


def test_a_store_that_tells_of_fewer_events_is_not_asked_again(gate, writer, monkeypatch):
    add = gate.store.events.add
    monkeypatch.setattr(gate.store.events, "add", lambda records: replace(add(records), ids=()))
    outcomes = Outcomes()
    outcomes.of(writer)
    assert writer.flush(10)
    monkeypatch.undo()
    outcomes.of(writer)
    assert writer.flush(10)
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, StoredEvent]
    assert len(gate.store.events) == 2


def test_one_bad_record_does_not_spoil_the_others(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        for feature in ("a", "b", "poison", "c", "d"):
            outcomes.of(writer, feature)
    assert [isinstance(outcome, StoredEvent) for outcome in outcomes] == [True, True, True, False, True, True]
    assert isinstance(outcomes[3], StoreError)
    assert len(gate.store.events) == 5


def test_a_bug_in_a_store_ends_neither_the_thread_nor_the_wait(gate, writer):
    gate.failures = [ZeroDivisionError("bug")]
    outcomes = Outcomes()
    outcomes.of(writer)
    assert writer.flush(10)
    outcomes.of(writer)
    assert writer.flush(10)
    assert isinstance(outcomes[0], StoreError)
    assert isinstance(outcomes[1], StoredEvent)


def test_a_caller_that_raises_does_not_keep_the_others_waiting(gate, writer):
    outcomes = Outcomes()
    with gate.shut(writer, outcomes):
        writer.submit(record(), lambda _: 1 / 0)
        outcomes.of(writer)
    assert all(isinstance(outcome, StoredEvent) for outcome in outcomes)


def test_flush_says_when_something_still_waits(gate, writer):
    gate.open.clear()
    Outcomes().of(writer)
    assert gate.entered.acquire(timeout=10)
    assert not writer.flush(timeout=0)
    assert not writer.close(timeout=0)


def test_a_closed_writer_takes_no_more(gate):
    group = GroupCommit(gate.add)
    assert group.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        group.submit(record(), print)


def test_closing_stores_what_waits(gate):
    group = GroupCommit(gate.add)
    outcomes = Outcomes()
    for _ in range(100):
        outcomes.of(group)
    assert group.close(10)
    assert len(gate.store.events) == 100


def test_a_forked_child_neither_stores_what_waits_in_the_parent_nor_hangs(gate):
    group = GroupCommit(gate.add)
    outcomes = Outcomes()
    gate.open.clear()
    outcomes.of(group)
    assert gate.entered.acquire(timeout=10)
    outcomes.of(group)
    child = os.fork()
    if child == 0:
        gate.open.set()
        status = 1
        try:
            assert group.pending == 0
            mine = Outcomes()
            mine.of(group)
            assert group.flush(10)
            assert gate.sizes == [1]
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    gate.open.set()
    assert group.close(10)
    assert gate.sizes == [1, 1]


def test_many_threads_track_through_one_writer(tmp_path):
    with vigility.connect(str(tmp_path / "usage.db"), clock=lambda: NOW) as v:
        v.accounts.add_without_password("ada", 36, "Female")
        with ThreadPoolExecutor(16) as pool:
            ids = list(pool.map(lambda _: v.track("ada", "x").id, range(400)))
        assert sorted(ids) == list(range(1, 401))
        assert v.report().total == 400
        assert v.verify_rollups() == []


def test_submitted_events_are_in_the_report_after_flush(tmp_path):
    with vigility.connect(str(tmp_path / "usage.db"), clock=lambda: NOW) as v:
        v.accounts.add_without_password("ada", 36, "Female")
        futures = [v.submit("ada", "x") for _ in range(500)]
        assert v.flush(30)
        assert v.queued == 0
        assert all(future.done() for future in futures)
        assert v.report().total == 500
        with pytest.raises(vigility.UnknownUser):
            v.submit("eve", "x")


AT_EXIT = """
import sys, vigility
v = vigility.connect(sys.argv[1])
for _ in range(300):
    v.submit("ada", "x")
# no flush, no close: the interpreter just ends
"""


def test_the_end_of_the_interpreter_stores_what_was_submitted(tmp_path):
    path = tmp_path / "usage.db"
    with vigility.connect(str(path)) as v:
        v.accounts.add_without_password("ada", 36, "Female")
        subprocess.run([sys.executable, "-c", AT_EXIT, path], check=True)
        assert v.report().total == 300


def test_an_importer_and_a_writer_agree_on_event_ids(tmp_path):
    with vigility.connect(str(tmp_path / "usage.db"), clock=lambda: NOW) as v:
        v.accounts.add_without_password("ada", 36, "Female")
        first = v.track("ada", "x", event_id=EVENT_ID)
        assert v.track_many([NewEvent("ada", "x", NOW, EVENT_ID)]).duplicates == 1
        assert v.submit("ada", "x", event_id=EVENT_ID).result(10).event == first
