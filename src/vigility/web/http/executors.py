"""The threads behind the event loop: the core is synchronous, and the loop awaits it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, ParamSpec, TypeVar

import falcon

from vigility.core.errors import QueueFull, StoreUnavailable

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Writers take turns and a read is a millisecond: more threads would wait, not work.
STORE_THREADS: Final = 4
# On SQLite one batch at a time, while its next is being read: threads that hold large batches would only take
# Python's global lock from each other while the others wait for the turn that they hold. On PostgreSQL one
# is read while another waits for the server: a third more events a second (docs/postgresql.md).
BATCH_THREADS: Final = 1
BATCH_THREADS_ON_POSTGRES: Final = 2
# Each holds up to 2 MiB. At 100 batches a second the last of them is answered within a second.
MAX_WAITING_BATCHES: Final = 64
# A store that could not be used for so long is away; a connection that was cut says so sooner.
LONG_SECONDS: Final = 1.0
# At ~0.2 s a hash the last of them is answered after some 6 s; a caller has given up after more.
MAX_WAITING_FOR_A_HASH: Final = 32
# Password hashes yield to everything else, so that a flood of log-ins does not slow tracking down.
HASH_NICENESS: Final = 10


@dataclass(frozen=True, slots=True)
class _Failed:
    """When a batch had tried a store for long in vain, and why. Not the error itself: it holds the batch."""

    at: float
    message: str
    reason: str


class Executors:
    """A pool for each kind of work: short calls of the store, batches, password hashes.

    Threads start with the first call.
    """

    def __init__(self, password_threads: int, batch_threads: int = BATCH_THREADS) -> None:
        self._password_threads = password_threads
        self._batch_threads = batch_threads
        self._store: ThreadPoolExecutor | None = None
        self._batches: ThreadPoolExecutor | None = None
        self._passwords: ThreadPoolExecutor | None = None
        self._waiting_batches = 0
        self._failed: _Failed | None = None
        self._succeeded_at = float("-inf")
        self._waiting = 0

    async def store(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The result of a call that works on the store."""
        if self._store is None:
            self._store = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="store")
        return await _in(self._store, call, *args, **kwargs)

    async def batch(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The result of a call that stores a batch. Raises QueueFull where too many wait.

        Raises StoreUnavailable too where it waited while the store was unavailable to another.
        """
        if self._batches is None:
            self._batches = ThreadPoolExecutor(self._batch_threads, thread_name_prefix="batches")
        if self._waiting_batches >= MAX_WAITING_BATCHES:
            raise QueueFull(f"{MAX_WAITING_BATCHES} batches are waiting to be stored: try again in a moment")
        self._waiting_batches += 1
        try:
            return await _in(self._batches, self._attempt, monotonic(), partial(call, *args, **kwargs))
        finally:
            self._waiting_batches -= 1

    def _attempt(self, came: float, call: Callable[[], _T]) -> _T:
        """The result of a batch's call, unless it waited while another tried for long in vain.

        That one may have waited 10 s, and each in line would learn it as much later than the one before.
        """
        failed = self._failed
        if failed is not None and came < failed.at:
            raise StoreUnavailable(failed.message, failed.reason)
        began = monotonic()
        try:
            result = call()
        except StoreUnavailable as error:
            if self._succeeded_at < began < monotonic() - LONG_SECONDS:
                self._failed = _Failed(monotonic(), str(error), error.reason)
            raise
        self._succeeded_at = monotonic()
        return result

    async def password(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The result of a call that hashes a password. Raises HTTPServiceUnavailable where too many wait."""
        if self._passwords is None:
            self._passwords = ThreadPoolExecutor(
                self._password_threads, thread_name_prefix="passwords", initializer=_yield_to_others
            )
        if self._waiting >= MAX_WAITING_FOR_A_HASH * self._password_threads:
            raise falcon.HTTPServiceUnavailable(
                description="Too many sign-ins at this moment; try again shortly", retry_after=2
            )
        self._waiting += 1
        try:
            return await _in(self._passwords, call, *args, **kwargs)
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        """Finish what was begun and end the threads."""
        for pool in (self._passwords, self._batches, self._store):
            if pool is not None:
                pool.shutdown()
        self._passwords = self._batches = self._store = None


async def _in(pool: ThreadPoolExecutor, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: call(*args, **kwargs))


def _yield_to_others() -> None:
    # Linux keeps a niceness for each thread, under its own id.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), HASH_NICENESS)
