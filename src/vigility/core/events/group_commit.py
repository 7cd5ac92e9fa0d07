"""Group commit: stores the records of many concurrent callers in as few transactions as possible.

A durable transaction waits for the disk, whether it holds one event or a thousand. So callers hand their
records to a queue. One thread in each process stores all that wait in one transaction, and then reports to
each caller. No caller hears of success before its event is durable.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Final

from vigility.core.errors import (
    EventConflict,
    OutcomeUnknown,
    QueueFull,
    StoreError,
    StoreUnavailable,
    UserGone,
    VigilityError,
)
from vigility.core.events.model import EventRecord, StoredEvent
from vigility.core.events.ports import EventSink, InsertResult, OnDone, Outcome

_LOG: Final = logging.getLogger(__name__)

# Records that may wait: two seconds' worth at 10,000 events a second, a few megabytes. A caller that would
# wait longer is better off if it tries again later.
CAPACITY: Final = 20_000
# Records in one transaction. Other processes wait for it: about 20 ms.
MAX_BATCH_SIZE: Final = 2_000
# How long the writer waits at most, when it has several callers, for as many records as last time. Nearly
# always they come sooner. Without this wait batches were half as large, and each costs as much as 30 events.
GATHER_SECONDS: Final = 0.002
# How long a transaction that fails for a passing reason is retried before its callers hear of it.
RETRY_SECONDS: Final = 1.0
_FIRST_PAUSE: Final = 0.01

_Entry = tuple[EventRecord, OnDone]


class GroupCommit:
    """An `EventQueue` around another sink. Its thread starts with the first submitted record.

    After a fork the child has an empty queue of its own: the parent stores the records that waited. At
    interpreter exit the records that wait are stored.
    """

    def __init__(
        self, sink: EventSink, *, capacity: int = CAPACITY, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self._sink = sink
        self.assigns_ids = sink.assigns_ids
        self._capacity = capacity
        self._retry_seconds = retry_seconds
        self._thread: threading.Thread | None = None
        self._closed = False
        self._reset()
        _WRITERS.add(self)

    def add(self, records: Sequence[EventRecord]) -> InsertResult:
        """See `EventSink.add`. Records that already are a batch go straight to the inner sink."""
        return self._sink.add(records)

    def submit(self, record: EventRecord, on_done: OnDone) -> None:
        """See `EventQueue.submit`. Raises QueueFull if too many wait, StoreUnavailable after `close`."""
        with self._changed:
            if self._closed:
                raise StoreUnavailable("closed: no more events are taken", "it is being closed")
            if len(self._waiting) >= self._capacity:
                raise QueueFull(f"{self._capacity:,} events are waiting to be stored: try again in a moment")
            if self._thread is None:  # before the record is queued: starting it can fail
                self._thread = self._start()
            self._waiting.append((record, on_done))
            if len(self._waiting) == self._wanted:
                self._changed.notify_all()

    @property
    def queued(self) -> int:
        """How many records wait for the next transaction."""
        return len(self._waiting)

    @property
    def pending(self) -> int:
        """How many records were submitted and not yet reported on."""
        return len(self._waiting) + self._in_flight

    def flush(self, timeout: float | None = None) -> bool:
        """See `EventQueue.flush`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self.pending, timeout)

    def close(self, timeout: float | None = None) -> bool:
        """See `EventQueue.close`. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return not self.pending

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[_Entry] = deque()
        self._in_flight = 0
        self._thread = None
        self._wanted = 1

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="vigility-writer", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no threads left, or the interpreter is ending
            raise StoreUnavailable(f"the thread that stores events: {error}", "it has no thread") from error
        return thread

    def _run(self) -> None:
        expected = 1
        while batch := self._next_batch(expected):
            expected = len(batch)
            self._commit(batch)
            with self._changed:
                self._in_flight = 0
                self._changed.notify_all()

    def _next_batch(self, expected: int) -> list[_Entry]:
        """The records to store next: wait for one, then briefly for more. Empty once closed and drained.

        Callers that just got their result send their next record, so about as many are expected as came
        last time. A lone caller never waits for others.
        """
        with self._changed:
            self._wait_for(1, None)
            if expected > 1:
                self._wait_for(expected, GATHER_SECONDS)
            size = min(len(self._waiting), MAX_BATCH_SIZE)
            batch = [self._waiting.popleft() for _ in range(size)]
            self._in_flight = size
            return batch

    def _wait_for(self, wanted: int, timeout: float | None) -> None:
        self._wanted = wanted
        self._changed.wait_for(lambda: len(self._waiting) >= wanted or self._closed, timeout)

    def _commit(self, batch: Sequence[_Entry]) -> StoreUnavailable | None:
        """Store the batch and report to each of its callers. Returns the error if the sink is unavailable."""
        records = [record for record, _ in batch]
        try:
            inserted = self._add_with_retries(records)
        except StoreUnavailable as error:
            _report_all((*batch, *self._drain_waiting()), error)
            return error
        except OutcomeUnknown as error:
            _report_all(batch, error)
        except (StoreError, UserGone) as error:
            return self._commit_halves(batch, error)
        except Exception as bug:  # noqa: BLE001 - if the thread died, every caller would wait for ever
            _LOG.exception("the sink failed with an unexpected error")
            return self._commit_halves(batch, StoreError(f"the sink failed: {bug!r}"))
        else:
            for (_, on_done), outcome in zip(batch, _outcomes(inserted, records), strict=True):
                _report(on_done, outcome)
        return None

    def _add_with_retries(self, records: Sequence[EventRecord]) -> InsertResult:
        """Store the records; retry for a while if the sink is unavailable."""
        give_up = time.monotonic() + self._retry_seconds
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._sink.add(records)
            except StoreUnavailable:
                if time.monotonic() + pause > give_up or self._closed:
                    raise
            time.sleep(pause)
            pause *= 2

    def _drain_waiting(self) -> Sequence[_Entry]:
        """The records that came while the sink was unavailable: they get the error of the batch before them.

        That batch may have waited 10 s for its error, and each batch after it would wait as long again. Not
        once closed: a program that ends may have nobody left to submit them again.
        """
        with self._changed:
            if self._closed:
                return ()
            waited = tuple(self._waiting)
            self._waiting.clear()
            self._in_flight += len(waited)
            return waited

    def _commit_halves(self, batch: Sequence[_Entry], error: VigilityError) -> StoreUnavailable | None:
        """One record spoils the transaction of all: find it by bisection, and store the others."""
        if len(batch) == 1:
            _report(batch[0][1], error)
            return None
        middle = len(batch) // 2
        if unavailable := self._commit(batch[:middle]):
            _report_all(batch[middle:], unavailable)
            return unavailable
        return self._commit(batch[middle:])


def _report_all(batch: Iterable[_Entry], outcome: Outcome) -> None:
    for _, on_done in batch:
        _report(on_done, outcome)


def _report(on_done: OnDone, outcome: Outcome) -> None:
    try:
        on_done(outcome)
    except Exception:  # noqa: BLE001 - one caller's error must not keep the others waiting
        _LOG.exception("a caller failed to handle the outcome of its event")


def _outcomes(inserted: InsertResult, records: Sequence[EventRecord]) -> Iterable[Outcome]:
    if len(inserted.ids) != len(records):  # committed, so it must not be retried
        bug = OutcomeUnknown(f"the sink reported {len(inserted.ids)} events, and was given {len(records)}")
        return repeat(bug, len(records))
    if not inserted.duplicates and not inserted.conflicts and not inserted.refused:
        return map(StoredEvent, inserted.ids, records, repeat(False))
    return [_outcome(inserted, index, record) for index, record in enumerate(records)]


def _outcome(inserted: InsertResult, index: int, record: EventRecord) -> Outcome:
    if index in inserted.refused:
        return inserted.refused[index]
    if index in inserted.conflicts:
        return EventConflict(str(record.event_id))
    if index in inserted.duplicates:
        return StoredEvent(inserted.ids[index], inserted.duplicates[index], repeated=True)
    return StoredEvent(inserted.ids[index], record, repeated=False)


_WRITERS: Final[weakref.WeakSet[GroupCommit]] = weakref.WeakSet()


def _close_all() -> None:  # pragma: no cover - at exit, tested in a separate process
    for writer in list(_WRITERS):
        writer.close()


def _reset_after_fork() -> None:  # pragma: no cover - runs in a child process, tested there
    for writer in list(_WRITERS):
        writer._reset()  # noqa: SLF001


atexit.register(_close_all)
os.register_at_fork(after_in_child=_reset_after_fork)
