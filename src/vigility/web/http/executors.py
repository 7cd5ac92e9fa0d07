"""The threads behind the event loop. The core is synchronous, so the event loop awaits it in threads."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, ParamSpec, TypeVar

import falcon

from vigility.core.errors import QueueFull, StoreUnavailable
from vigility.web.http.fair_queue import ANY_TURN, FairQueue, QueueRefused, Turn

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Writers wait for one lock, and a read takes a millisecond: more threads would wait, not work.
DATABASE_THREADS: Final = 4
# A heavy report can take seconds. Reports have threads of their own, so that nothing else waits for them.
REPORT_THREADS: Final = 2
# A usual report takes some milliseconds: the last of so many gets its response within half a second.
MAX_WAITING_REPORTS: Final = 128
# Whoever has waited so long for the begin of a report is refused: the reports before it are heavy, and its
# client may have given up.
REPORT_FIRST_ATTEMPT_SECONDS: Final = 10.0
# Where batches cannot be written in parallel (SQLite): one at a time, while the body of the next arrives.
# More threads that hold large batches would only compete for Python's global lock with the one that holds the
# write lock.
BATCH_THREADS: Final = 1
# Where they can (PostgreSQL): one batch is parsed while another waits for the server. That stores a third
# more events a second (docs/postgresql.md).
PARALLEL_BATCH_THREADS: Final = 2
# Each holds up to 2 MiB. At 100 batches a second the last of them gets its response within a second.
MAX_WAITING_BATCHES: Final = 64
# A database that could not be used for this long is down. A connection that was cut fails sooner.
OUTAGE_SECONDS: Final = 1.0
# At ~0.2 s a hash the last of them gets its response after some 6 s. A caller does not wait much longer.
MAX_WAITING_HASHES: Final = 32
# Password hashes run at a lower priority than everything else, so that many sign-ins do not slow tracking
# down.
HASH_NICENESS: Final = 10


@dataclass(frozen=True, slots=True)
class _Failure:
    """When and why a batch last failed. A copy of the error: its traceback would retain the batch."""

    at: float
    error: StoreUnavailable


class Executors:
    """A thread pool for each kind of work: short database calls, reports, batches, password hashes, health.

    Threads start with the first call.
    """

    def __init__(self, password_threads: int, batch_threads: int = BATCH_THREADS) -> None:
        self._password_threads = password_threads
        self._batch_threads = batch_threads
        self._database: ThreadPoolExecutor | None = None
        self._reports: ThreadPoolExecutor | None = None
        self._batches: ThreadPoolExecutor | None = None
        self._health: ThreadPoolExecutor | None = None
        self._check: asyncio.Future[None] | None = None
        self._waiting_reports = 0
        self._passwords: ThreadPoolExecutor | None = None
        self._waiting_batches = 0
        waiting = (MAX_WAITING_HASHES - 1) * password_threads  # besides those that run
        self._hash_queue = FairQueue(password_threads, waiting)
        self._failure: _Failure | None = None
        self._succeeded_at = float("-inf")

    async def database(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The result of a short call that uses the database."""
        if self._database is None:
            self._database = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="database")
        return await _run_in(self._database, call, *args, **kwargs)

    async def report(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The result of a call that reads a report.

        Raises HTTPServiceUnavailable if too many are waiting, or if this one has waited for too long.
        """
        if self._reports is None:
            self._reports = ThreadPoolExecutor(REPORT_THREADS, thread_name_prefix="reports")
        if self._waiting_reports >= MAX_WAITING_REPORTS:
            raise _too_many_reports()
        self._waiting_reports += 1
        try:
            return await _run_in(self._reports, _unless_late, monotonic(), partial(call, *args, **kwargs))
        finally:
            self._waiting_reports -= 1

    async def health(self, check: Callable[[], None]) -> None:
        """Run a check that waits behind no other work. Calls during one share its result."""
        if self._health is None:
            self._health = ThreadPoolExecutor(1, thread_name_prefix="health")
        if self._check is None or self._check.done():
            self._check = asyncio.get_running_loop().run_in_executor(self._health, check)
        await asyncio.shield(self._check)

    async def batch(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The result of a call that stores a batch.

        Raises QueueFull if too many are waiting, and StoreUnavailable if the database was down for another
        batch while this one waited.
        """
        if self._batches is None:
            self._batches = ThreadPoolExecutor(self._batch_threads, thread_name_prefix="batches")
        if self._waiting_batches >= MAX_WAITING_BATCHES:
            raise QueueFull(f"{MAX_WAITING_BATCHES} batches are waiting to be stored: try again in a moment")
        self._waiting_batches += 1
        try:
            return await _run_in(self._batches, self._attempt, monotonic(), partial(call, *args, **kwargs))
        finally:
            self._waiting_batches -= 1

    def _attempt(self, arrived: float, call: Callable[[], _T]) -> _T:
        """Run a batch's call, unless the database turned out to be down while the batch waited.

        An attempt can take 10 s to fail. If each waiting batch made its own, each would fail that much
        later than the one before.
        """
        failure = self._failure
        if failure is not None and arrived < failure.at:
            raise copy(failure.error)
        began = monotonic()
        try:
            result = call()
        except StoreUnavailable as error:
            if self._succeeded_at < began < monotonic() - OUTAGE_SECONDS:
                self._failure = _Failure(monotonic(), copy(error))
            raise
        self._succeeded_at = monotonic()
        return result

    async def password(self, call: Callable[[], _T], turn: Turn = ANY_TURN) -> _T:
        """The result of a call that hashes a password. `turn` says how it waits among the others.

        Raises HTTPServiceUnavailable if too many are waiting. Nothing was called then.
        """
        if self._passwords is None:
            self._passwords = ThreadPoolExecutor(
                self._password_threads, thread_name_prefix="passwords", initializer=_lower_priority
            )
        try:
            await self._hash_queue.enter(turn)
        except QueueRefused:
            raise falcon.HTTPServiceUnavailable(
                description="Too many sign-ins at this moment; try again shortly", retry_after=2
            ) from None
        try:
            return await _run_in(self._passwords, call)
        finally:
            self._hash_queue.leave()

    def stop(self) -> None:
        """Finish the calls that have begun, and end the threads."""
        for pool in (self._passwords, self._batches, self._reports, self._health, self._database):
            if pool is not None:
                pool.shutdown()
        self._passwords = self._batches = self._reports = self._health = self._database = None


async def _run_in(
    pool: ThreadPoolExecutor, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
) -> _T:
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: call(*args, **kwargs))


def _unless_late(arrived: float, call: Callable[[], _T]) -> _T:
    if monotonic() - arrived > REPORT_FIRST_ATTEMPT_SECONDS:
        raise _too_many_reports()
    return call()


def _too_many_reports() -> falcon.HTTPServiceUnavailable:
    return falcon.HTTPServiceUnavailable(
        description="Too many reports at this moment; try again shortly", retry_after=2
    )


def _lower_priority() -> None:
    # Linux keeps a niceness for each thread, under the thread's own id.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), HASH_NICENESS)
