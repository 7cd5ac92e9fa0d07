"""Group commit: many callers at once, as few transactions as possible.

A durable transaction costs a wait for the disk, whether it holds one event or a thousand. So callers hand
their records to a queue, one thread a process stores all that wait in one transaction, and then answers each
caller. Nobody is answered before the events are durable.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Final

from vigility.core.errors import EventConflict, OutcomeUnknown, QueueFull, StoreError, StoreUnavailable, UserGone, VigilityError
from vigility.core.events.model import EventRecord, StoredEvent
from vigility.core.events.ports import InsertResult

Outcome = StoredEvent | VigilityError
OnDone = Callable[[Outcome], None]
"""Takes what became of one record. Called from the writer's thread; must not block or raise."""

Store = Callable[[Sequence[EventRecord]], InsertResult]

_LOG: Final = logging.getLogger(__name__)

# Records that may wait: at 10,000 events a second two seconds' worth, a few megabytes. A caller who would
# wait longer is better told to come again.
CAPACITY: Final = 20_000
# Records in one transaction. Other processes wait for it: about 20 ms.
LARGEST_BATCH: Final = 2_000
# How long a writer that has company waits at most for as many as came last time. Nearly always they come
# sooner; without waiting for them batches were half as large, and each costs as much as 30 of its events.
GATHER_SECONDS: Final = 0.002
# How long a transaction that fails for a passing reason is tried again before its callers are told.
RETRY_SECONDS: Final = 1.0
_FIRST_PAUSE: Final = 0.01


class GroupCommit:
    """Stores records handed in by any number of threads. Starts its thread with the first record.

    A fork leaves the child an empty queue of its own: what waited is the parent's to store. At the end
    of the interpreter what waits is stored.
    """

    def __init__(
        self, store: Store, *, capacity: int = CAPACITY, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self._store = store
        self._capacity = capacity
        self._retry_seconds = retry_seconds
        self._thread: threading.Thread | None = None
        self._begin_anew()
        _WRITERS.add(self)

    def submit(self, record: EventRecord, on_done: OnDone) -> None:
        """Queue `record`; `deliver` is called once, when it is durable or when it cannot be stored.

        Raises QueueFull where too many wait, and StoreUnavailable after `close`; then nothing was queued.
        """
        with self._changed:
            if self._closed:
                raise StoreUnavailable("closed: no more events are taken", "it is being closed")
            if len(self._waiting) >= self._capacity:
                raise QueueFull(f"{self._capacity:,} events are waiting to be stored: try again in a moment")
            if self._thread is None:  # before the record is queued: it may not be possible
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
        """How many records were submitted and not yet answered."""
        return len(self._waiting) + self._in_flight

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until nothing is pending, at most `timeout` seconds; returns whether nothing is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self.pending, timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Take no more, store what waits; returns whether all is stored. Calling it again does nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return not self.pending

    def _begin_anew(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[tuple[EventRecord, OnDone]] = deque()
        self._in_flight = 0
        self._closed = False
        self._thread = None
        self._wanted = 1

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name="vigility-writer", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more threads, or the interpreter is ending
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

    def _next_batch(self, expected: int) -> list[tuple[EventRecord, OnDone]]:
        """What waits, once something does and others had a moment to come; nothing once closed and empty.

        Callers who were just answered send their next, so about as many are expected as came last time. A
        lone caller never waits for others.
        """
        with self._changed:
            self._wait_for(1, None)
            if expected > 1:
                self._wait_for(expected, GATHER_SECONDS)
            size = min(len(self._waiting), LARGEST_BATCH)
            batch = [self._waiting.popleft() for _ in range(size)]
            self._in_flight = size
            return batch

    def _wait_for(self, wanted: int, timeout: float | None) -> None:
        self._wanted = wanted
        self._changed.wait_for(lambda: len(self._waiting) >= wanted or self._closed, timeout)

    def _commit(self, batch: Sequence[tuple[EventRecord, OnDone]]) -> StoreUnavailable | None:
        """Store the batch and answer each of its callers. Returns why the store was away, where it was."""
        records = [record for record, _ in batch]
        try:
            added = self._stored(records)
        except StoreUnavailable as error:
            _tell_each((*batch, *self._who_waited()), error)
            return error
        except OutcomeUnknown as error:
            _tell_each(batch, error)
        except (StoreError, UserGone) as error:
            return self._commit_apart(batch, error)
        except Exception as bug:  # noqa: BLE001 - a thread that dies would keep every caller waiting
            _LOG.exception("the store failed in a way that it should not")
            return self._commit_apart(batch, StoreError(f"the store failed: {bug!r}"))
        else:
            for (_, on_done), outcome in zip(batch, _outcomes(added, records), strict=True):
                _tell(on_done, outcome)
        return None

    def _stored(self, records: Sequence[EventRecord]) -> InsertResult:
        """Store the records; where the store is unavailable, try again for a while."""
        give_up = time.monotonic() + self._retry_seconds
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._store(records)
            except StoreUnavailable:
                if time.monotonic() + pause > give_up or self._closed:
                    raise
            time.sleep(pause)
            pause *= 2

    def _who_waited(self) -> Sequence[tuple[EventRecord, OnDone]]:
        """Those who came while a store was tried in vain: what one transaction learned goes for them too.

        It may have waited 10 s for it, and each batch of those would learn it as much later than the one
        before. Not so once closed: of a program that ends nobody may be left to hand them in again.
        """
        with self._changed:
            if self._closed:
                return ()
            waited = tuple(self._waiting)
            self._waiting.clear()
            self._in_flight += len(waited)
            return waited

    def _commit_apart(
        self, batch: Sequence[tuple[EventRecord, OnDone]], error: VigilityError
    ) -> StoreUnavailable | None:
        """One record spoils the transaction of all: find it by halves, and store the others."""
        if len(batch) == 1:
            _tell(batch[0][1], error)
            return None
        middle = len(batch) // 2
        if unavailable := self._commit(batch[:middle]):
            _tell_each(batch[middle:], unavailable)
            return unavailable
        return self._commit(batch[middle:])


def _tell_each(batch: Iterable[tuple[EventRecord, OnDone]], outcome: Outcome) -> None:
    for _, on_done in batch:
        _tell(on_done, outcome)


def _tell(on_done: OnDone, outcome: Outcome) -> None:
    try:
        on_done(outcome)
    except Exception:  # noqa: BLE001 - one caller's fault must not keep the others waiting
        _LOG.exception("a caller failed to take the outcome of its event")


def _outcomes(added: InsertResult, records: Sequence[EventRecord]) -> Iterable[Outcome]:
    if len(added.ids) != len(records):  # committed, so it must not be tried again
        bug = OutcomeUnknown(f"the store told of {len(added.ids)} events, and was given {len(records)}")
        return repeat(bug, len(records))
    if not added.duplicates and not added.conflicts:
        return map(StoredEvent, added.ids, records, repeat(False))
    return [_outcome(added, index, record) for index, record in enumerate(records)]


def _outcome(added: InsertResult, index: int, record: EventRecord) -> Outcome:
    if index in added.conflicts:
        return EventConflict(str(record.event_id))
    if index in added.duplicates:
        return StoredEvent(added.ids[index], added.duplicates[index], repeated=True)
    return StoredEvent(added.ids[index], record, repeated=False)


_WRITERS: Final[weakref.WeakSet[GroupCommit]] = weakref.WeakSet()


def _store_what_waits() -> None:  # pragma: no cover - at exit, tested in a process of its own
    for writer in list(_WRITERS):
        writer.close()


def _begin_anew_after_fork() -> None:  # pragma: no cover - in a child, tested there
    for writer in list(_WRITERS):
        writer._begin_anew()  # noqa: SLF001


atexit.register(_store_what_waits)
os.register_at_fork(after_in_child=_begin_anew_after_fork)
