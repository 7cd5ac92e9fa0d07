"""The threads behind the event loop: the core is synchronous, and the loop awaits it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, ParamSpec, TypeVar

import falcon

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Writers take turns and a read is a millisecond: more threads would wait, not work.
STORE_THREADS: Final = 4
# At ~0.2 s a hash the last of them is answered after some 6 s; a caller has given up after more.
MAX_WAITING_FOR_A_HASH: Final = 32
# Password hashes yield to everything else, so that a flood of log-ins does not slow tracking down.
HASH_NICENESS: Final = 10


class Threads:
    """Two pools: one for work on the store, one for password hashes. Threads start with the first call."""

    def __init__(self, password_threads: int) -> None:
        self._password_threads = password_threads
        self._store: ThreadPoolExecutor | None = None
        self._passwords: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def store(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The result of a call that works on the store."""
        if self._store is None:
            self._store = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="store")
        return await _in(self._store, call, *args, **kwargs)

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
        for pool in (self._passwords, self._store):
            if pool is not None:
                pool.shutdown()
        self._passwords = self._store = None


async def _in(pool: ThreadPoolExecutor, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    return await asyncio.get_running_loop().run_in_executor(pool, lambda: call(*args, **kwargs))


def _yield_to_others() -> None:
    # Linux keeps a niceness for each thread, under its own id.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), HASH_NICENESS)
