"""Turns at the lock file: waited for in line, given up after a while, never kept by a copy."""

import fcntl
import os
import signal
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest

from vigility.adapters.sql.sqlite import file_lock
from vigility.adapters.sql.sqlite.file_lock import file_lock

TIMEOUT = 60


@pytest.fixture
def lock_file(tmp_path):
    return tmp_path / "usage.db-lock"


@pytest.fixture
def somebody(lock_file):
    """Another holder of the lock; closing it lets the lock go."""
    holder = lock_file.open("w")
    fcntl.flock(holder, fcntl.LOCK_EX)
    yield holder
    holder.close()


def test_a_turn_that_does_not_come_is_given_up(lock_file, somebody):
    with pytest.raises(TimeoutError, match="another process has been writing"), file_lock(lock_file, 0.05):
        pytest.fail("it was not our turn")
    began = time.monotonic()
    with pytest.raises(TimeoutError), file_lock(lock_file, TIMEOUT):
        pytest.fail("it was not our turn")
    assert time.monotonic() - began < TIMEOUT / 2, "the next caller must not wait for the same again"
    somebody.close()
    takes_its_turn_soon(lock_file)


def takes_its_turn_soon(lock_file):
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            with file_lock(lock_file, TIMEOUT):
                return
        except TimeoutError:
            time.sleep(0.001)
    pytest.fail("the lock was not let go")


def test_a_turn_comes_as_soon_as_the_lock_is_let_go(lock_file, somebody):
    came = threading.Event()

    def wait():
        with file_lock(lock_file, TIMEOUT):
            came.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not came.wait(0.05)
    somebody.close()
    assert came.wait(TIMEOUT)
    waiting.join()


def test_one_holds_it_at_a_time(lock_file):
    inside = []
    most = []

    def work():
        for _ in range(100):
            with file_lock(lock_file, TIMEOUT):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (400, 1)


def test_a_child_that_was_forked_meanwhile_does_not_keep_the_lock(lock_file):
    with file_lock(lock_file):
        child = os.fork()
        if child == 0:
            signal.pause()
            os._exit(0)
    try:
        with file_lock(lock_file, 1):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_wait_given_up_ends_with_its_turn_and_leaves_nothing_open(lock_file, somebody):
    with pytest.raises(TimeoutError), file_lock(lock_file, 0.01):
        pytest.fail("it was not our turn")
    assert opened(lock_file) == 2, "the holder's and that of the wait"
    somebody.close()
    is_closed_soon(lock_file)


def is_closed_soon(path):
    deadline = time.monotonic() + TIMEOUT
    while opened(path) and time.monotonic() < deadline:
        time.sleep(0.001)
    assert opened(path) == 0


def opened(path):
    descriptors = Path("/proc/self/fd").iterdir()
    return sum(os.path.realpath(descriptor) == str(path) for descriptor in descriptors)


def test_who_is_interrupted_before_the_lock_comes_keeps_nothing(lock_file, somebody, monkeypatch):
    monkeypatch.setattr(file_lock, "SOON_SECONDS", TIMEOUT)
    monkeypatch.setattr(file_lock, "time", SimpleNamespace(monotonic=time.monotonic, sleep=interrupt))
    is_interrupted(lock_file)
    assert opened(lock_file) == 1, "the holder's"
    somebody.close()
    takes_its_turn_soon(lock_file)


def test_who_is_interrupted_when_the_lock_has_just_come_keeps_nothing(lock_file, somebody, monkeypatch):
    def lock_and_interrupt(descriptor, operation):
        fcntl.flock(descriptor, operation)
        if not operation & fcntl.LOCK_UN:
            interrupt()

    with monkeypatch.context() as interrupted:
        interrupted.setattr(file_lock, "SOON_SECONDS", TIMEOUT)
        interrupted.setattr(file_lock, "fcntl", SimpleNamespace(**vars(fcntl) | {"flock": lock_and_interrupt}))
        letting_go = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: somebody.close())
        interrupted.setattr(file_lock, "time", letting_go)
        is_interrupted(lock_file)
    assert opened(lock_file) == 0
    takes_its_turn_soon(lock_file)


def test_who_is_interrupted_while_a_thread_waits_keeps_nothing(lock_file, somebody, monkeypatch):
    with monkeypatch.context() as interrupted:
        interrupted.setattr(file_lock, "SOON_SECONDS", 0)
        interrupted.setattr(Future, "result", interrupt)
        is_interrupted(lock_file)
    somebody.close()
    is_closed_soon(lock_file)
    takes_its_turn_soon(lock_file)


def interrupt(*_):
    raise KeyboardInterrupt


def is_interrupted(lock_file):
    with pytest.raises(KeyboardInterrupt), file_lock(lock_file, TIMEOUT):
        pytest.fail("it was not our turn")


@pytest.mark.usefixtures("somebody")
def test_where_no_thread_can_be_started_nothing_is_kept(lock_file, monkeypatch):
    def no_thread(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("vigility.adapters.sql.sqlite.file_lock._thread.start_new_thread", no_thread)
    with pytest.raises(OSError, match="can't start new thread"), file_lock(lock_file, TIMEOUT):
        pytest.fail("it was not our turn")
    assert opened(lock_file) == 1, "the holder's"
