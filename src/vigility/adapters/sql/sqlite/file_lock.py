"""Turns among the writers of one SQLite file, of all threads and processes.

SQLite's own busy handler sleeps and tries again: two writers were slower than one, and the slowest of a
hundred writes took ten times as long (the design notes have the figures). A lock that is waited for has
neither fault. It also keeps one process's checkpoint from racing another's write, which SQLite before
3.51.3 can lose committed transactions to ("WAL-reset bug").
"""

from __future__ import annotations

import _thread
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

PATIENCE_SECONDS: Final = 5.0
"""How long a writer waits for its turn: as long as a statement waits for those who take no turns."""

SOON_SECONDS: Final = 0.003
"""How long the lock is tried again and again before a thread waits for it: two turns of a busy server."""
_PAUSE_SECONDS: Final = 0.00005

# The wait that was given up last, by lock file. While it lasts nobody need wait as long to learn the same.
_GIVEN_UP: Final[dict[Path, Future[None]]] = {}
os.register_at_fork(after_in_child=_GIVEN_UP.clear)  # the thread that waits is the parent's


@contextmanager
def file_lock(lock_file: Path, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the exclusive advisory lock on `lock_file`, made where it is missing.

    Raises OSError, of which TimeoutError where another holds it for longer than `patience` seconds.

    Opened anew each time (some 10 µs): an open file description would be shared with a forked child,
    and with it the lock.
    """
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _wait(lock_file, descriptor, patience)
    except BaseException:
        os.close(descriptor)
        raise
    try:
        yield
    finally:
        _release(descriptor)


def _wait(lock_file: Path, descriptor: int, patience: float) -> None:
    """Wait for the lock. Raises TimeoutError, with the descriptor closed, where that takes too long.

    A blocking `flock` has no time-out, so a thread waits in it that can be left behind. Starting one takes a
    busy server as long as a turn lasts, which is most often a millisecond: so first it is tried again a few
    times. That alone would not do, because whoever tried more often would pass the others.
    """
    given_up = _GIVEN_UP.get(lock_file)
    if given_up is not None and not given_up.done():
        os.close(descriptor)
        raise _too_long()
    try:
        if _comes_soon(descriptor, min(patience, SOON_SECONDS)):
            return
    except BaseException:  # Ctrl-C, say: nobody else would let go of what may have come just now
        _release(descriptor)
        raise
    turn: Future[None] = Future()
    try:
        _thread.start_new_thread(_stand_in_line, (descriptor, turn))
        turn.result(patience)
    except RuntimeError as error:  # no thread can be started
        _release(descriptor)
        raise OSError(errno.EAGAIN, str(error)) from error
    except BaseException as error:
        turn.add_done_callback(lambda _: _release(descriptor))  # at once where it has just come
        if isinstance(error, TimeoutError):
            _GIVEN_UP[lock_file] = turn
            raise _too_long() from None
        raise


def _comes_soon(descriptor: int, patience: float) -> bool:
    until = time.monotonic() + patience
    while time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _stand_in_line(descriptor: int, turn: Future[None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except BaseException as error:  # noqa: BLE001 - for who waits to see
        turn.set_exception(error)
    else:
        turn.set_result(None)


def _release(descriptor: int) -> None:
    # Said, and not left to the closing: a child forked meanwhile has a copy of the descriptor.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _too_long() -> TimeoutError:
    return TimeoutError(errno.ETIMEDOUT, "another process has been writing for too long")
