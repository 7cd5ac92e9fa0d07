"""An advisory lock among the writers of one SQLite file: of all threads and all processes.

SQLite's own busy handler sleeps and retries: two writers were slower than one, and the slowest of a hundred
writes took ten times as long (p99 579 ms without the lock, 53 ms with it). Waiting on a lock has neither
fault. It also keeps one process's checkpoint from racing another's write, which can make SQLite before
3.51.3 lose committed transactions (the "WAL-reset bug").
"""

from __future__ import annotations

import _thread
import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from vigility.adapters.sql.sqlite.permissions import open_lock_file

TIMEOUT_SECONDS: Final = 5.0
"""How long a writer waits for the lock: as long as a statement waits for programs that do not take it."""

BATCH_JOB_SECONDS: Final = 30.0
"""How long the writers of a batch job wait while the others make no progress. A transaction of one batch
takes about a second; this is meant for slow disks and for long computations in another's transaction."""

SPIN_SECONDS: Final = 0.003
"""How long the lock is polled before a thread waits for it: two transactions of a busy server."""
_PAUSE_SECONDS: Final = 0.00005
_LOOK_SECONDS: Final = 1.0
"""How often the writer of a batch job looks whether the others made progress."""

_File = tuple[int, int]
"""The device and the inode: what a file is, whatever its name."""

# The last wait that timed out, by lock file. While it goes on, others fail at once and need not wait as long.
_TIMED_OUT: Final[dict[_File, Future[None]]] = {}
os.register_at_fork(after_in_child=_TIMED_OUT.clear)  # the thread that waits is the parent's

Progress = Callable[[], object]
"""Returns something that differs after other writers have written."""


@contextmanager
def file_lock(
    lock_file: Path,
    timeout: float = TIMEOUT_SECONDS,
    *,
    database: Path | None = None,
    progress: Progress | None = None,
) -> Iterator[None]:
    """Hold the exclusive advisory lock on `lock_file`, which is created if it is missing.

    Its mode and group are made from those of `database`. With `progress` the timeout begins again whenever
    the other writers have written.

    Raises TimeoutError if another process holds it for longer than `timeout` seconds, or another OSError,
    which names the file that could not be opened.

    The file is opened anew each time (some 10 µs): a forked child would share an open file description, and
    the lock with it.
    """
    descriptor = _acquire(lock_file, timeout, database, progress)
    try:
        yield
    finally:
        _release(descriptor)


def _acquire(lock_file: Path, timeout: float, database: Path | None, progress: Progress | None) -> int:
    while True:
        descriptor = open_lock_file(lock_file, database)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait(descriptor, timeout, progress)
        except BaseException:
            os.close(descriptor)
            raise
        try:
            if _is_at(lock_file, descriptor):
                return descriptor
        except BaseException:
            _release(descriptor)
            raise
        _release(descriptor)  # it was deleted or replaced, so others lock another file


def _is_at(lock_file: Path, descriptor: int) -> bool:
    try:
        return _file(os.stat(lock_file)) == _file(os.fstat(descriptor))  # noqa: PTH116 - half the time of Path's
    except FileNotFoundError:
        return False


def _file(found: os.stat_result) -> _File:
    return found.st_dev, found.st_ino


def _wait(descriptor: int, timeout: float, progress: Progress | None) -> None:
    """Wait for the lock. Raises TimeoutError, with the descriptor closed, if that takes too long.

    A blocking `flock` has no timeout, so a thread waits in it, which can be left behind. Starting a thread
    takes a busy server about as long as a transaction, a millisecond, so the lock is polled a few times at
    first.
    Polling alone would be unfair: whoever polled more often would overtake the others.
    """
    file = _file(os.fstat(descriptor))
    timed_out = _TIMED_OUT.get(file)
    if timed_out is not None and not timed_out.done() and progress is None:
        os.close(descriptor)
        raise _timeout_error()
    try:
        if _acquired_soon(descriptor, min(timeout, SPIN_SECONDS)):
            return
    except BaseException:  # such as Ctrl-C: nobody else would release the lock
        _release(descriptor)
        raise
    acquired: Future[None] = Future()
    try:
        _thread.start_new_thread(_block, (descriptor, acquired))
        _await(acquired, timeout, progress)
    except RuntimeError as error:  # no thread can be started
        _release(descriptor)
        raise OSError(errno.EAGAIN, str(error)) from error
    except BaseException as error:
        acquired.add_done_callback(lambda _: _release(descriptor))  # at once if it was acquired just now
        if isinstance(error, TimeoutError):
            _TIMED_OUT[file] = acquired
            raise _timeout_error() from None
        raise


def _await(acquired: Future[None], timeout: float, progress: Progress | None) -> None:
    """Wait until it is done. Raises TimeoutError after so many seconds in which the others did nothing."""
    if progress is None:
        acquired.result(timeout)
        return
    seen, quiet_since = progress(), time.monotonic()
    while True:
        with suppress(TimeoutError):
            acquired.result(min(timeout, _LOOK_SECONDS))
            return
        now, before = progress(), seen
        if now != before:
            seen, quiet_since = now, time.monotonic()
        elif time.monotonic() - quiet_since >= timeout:
            raise TimeoutError


def _acquired_soon(descriptor: int, timeout: float) -> bool:
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _block(descriptor: int, acquired: Future[None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException as error:  # noqa: BLE001 - raised to whoever waits
        acquired.set_exception(error)
    else:
        acquired.set_result(None)


def _release(descriptor: int) -> None:
    # Explicitly, because closing is not enough: a child forked meanwhile has a copy of the descriptor.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _timeout_error() -> TimeoutError:
    return TimeoutError(errno.ETIMEDOUT, "another process has been writing for too long")
