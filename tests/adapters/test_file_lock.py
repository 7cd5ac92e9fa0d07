"""The lock file: writers wait for it in order, give up after a timeout, and a forked child never keeps it."""

import fcntl
import os
import signal
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest

from vigility.adapters.sql.sqlite import file_lock as module
from vigility.adapters.sql.sqlite.file_lock import file_lock

TIMEOUT = 60


@pytest.fixture
def lock_file(tmp_path):
    return tmp_path / "usage.db-lock"


@pytest.fixture
def holder(lock_file):
    """Another holder of the lock. Closing it releases the lock."""
    holder = lock_file.open("w")
    fcntl.flock(holder, fcntl.LOCK_EX)
    yield holder
    holder.close()


def test_a_wait_times_out_and_later_callers_fail_at_once(lock_file, holder):
    with pytest.raises(TimeoutError, match="another process has been writing"), file_lock(lock_file, 0.05):
        pytest.fail("the lock was acquired")
    began = time.monotonic()
    with pytest.raises(TimeoutError), file_lock(lock_file, TIMEOUT):
        pytest.fail("the lock was acquired")
    assert time.monotonic() - began < TIMEOUT / 2, "the next caller must not wait as long again"
    holder.close()
    acquire_soon(lock_file)


def acquire_soon(lock_file):
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            with file_lock(lock_file, TIMEOUT):
                return
        except TimeoutError:
            time.sleep(0.001)
    pytest.fail("the lock was not released")


def test_a_waiting_caller_gets_the_lock_as_soon_as_it_is_released(lock_file, holder):
    acquired = threading.Event()

    def wait():
        with file_lock(lock_file, TIMEOUT):
            acquired.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not acquired.wait(0.05)
    holder.close()
    assert acquired.wait(TIMEOUT)
    waiting.join()


def test_one_thread_at_a_time_holds_the_lock(lock_file):
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


def test_a_forked_child_does_not_keep_the_lock(lock_file):
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


def test_a_wait_that_timed_out_leaves_no_open_file(lock_file, holder):
    with pytest.raises(TimeoutError), file_lock(lock_file, 0.01):
        pytest.fail("the lock was acquired")
    assert open_descriptors(lock_file) == 2, "that of the holder and that of the wait"
    holder.close()
    assert_closed_soon(lock_file)


def assert_closed_soon(path):
    deadline = time.monotonic() + TIMEOUT
    while open_descriptors(path) and time.monotonic() < deadline:
        time.sleep(0.001)
    assert open_descriptors(path) == 0


def open_descriptors(path):
    descriptors = Path("/proc/self/fd").iterdir()
    return sum(os.path.realpath(descriptor) == str(path) for descriptor in descriptors)


def test_an_interrupt_before_the_lock_is_acquired_leaves_nothing_behind(lock_file, holder, monkeypatch):
    monkeypatch.setattr(module, "SPIN_SECONDS", TIMEOUT)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=time.monotonic, sleep=interrupt))
    acquire_and_be_interrupted(lock_file)
    assert open_descriptors(lock_file) == 1, "that of the holder"
    holder.close()
    acquire_soon(lock_file)


def test_an_interrupt_right_after_the_lock_is_acquired_leaves_nothing_behind(lock_file, holder, monkeypatch):
    def lock_and_interrupt(descriptor, operation):
        fcntl.flock(descriptor, operation)
        if not operation & fcntl.LOCK_UN:
            interrupt()

    with monkeypatch.context() as interrupted:
        interrupted.setattr(module, "SPIN_SECONDS", TIMEOUT)
        interrupted.setattr(module, "fcntl", SimpleNamespace(**vars(fcntl) | {"flock": lock_and_interrupt}))
        releasing = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: holder.close())
        interrupted.setattr(module, "time", releasing)
        acquire_and_be_interrupted(lock_file)
    assert open_descriptors(lock_file) == 0
    acquire_soon(lock_file)


def test_an_interrupt_while_a_thread_waits_leaves_nothing_behind(lock_file, holder, monkeypatch):
    with monkeypatch.context() as interrupted:
        interrupted.setattr(module, "SPIN_SECONDS", 0)
        interrupted.setattr(Future, "result", interrupt)
        acquire_and_be_interrupted(lock_file)
    holder.close()
    assert_closed_soon(lock_file)
    acquire_soon(lock_file)


def interrupt(*_):
    raise KeyboardInterrupt


def acquire_and_be_interrupted(lock_file):
    with pytest.raises(KeyboardInterrupt), file_lock(lock_file, TIMEOUT):
        pytest.fail("the lock was acquired")


def test_a_patient_caller_waits_as_long_as_others_make_progress(lock_file, holder):
    """Also after another caller has given up: it makes no progress of its own."""
    with pytest.raises(TimeoutError), file_lock(lock_file, 0.01):
        pytest.fail("the lock was acquired")
    looks = []

    def progress():
        if len(looks) == 5:
            holder.close()
        looks.append(1)
        return len(looks)

    with file_lock(lock_file, 0.05, progress=progress):
        assert len(looks) > 5


@pytest.mark.usefixtures("holder")
def test_a_patient_caller_gives_up_when_nothing_happens(lock_file):
    looks = []
    with (
        pytest.raises(TimeoutError, match="another process has been writing"),
        file_lock(lock_file, 0.05, progress=lambda: looks.append(1)),
    ):
        pytest.fail("the lock was acquired")
    assert len(looks) > 1


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.with_name("new").replace(path)])
def test_a_lock_file_that_was_deleted_or_replaced_meanwhile_is_no_lock(lock_file, holder, change):
    """Whoever comes later locks the file that has the name then."""
    lock_file.with_name("new").touch()
    held_by = []

    def wait():
        with file_lock(lock_file, TIMEOUT):
            held_by.append(lock_file.stat().st_ino)

    waiting = threading.Thread(target=wait)
    waiting.start()
    while open_descriptors(lock_file) < 2:
        time.sleep(0.001)
    change(lock_file)
    holder.close()
    waiting.join()
    assert held_by == [lock_file.stat().st_ino]


@pytest.mark.usefixtures("holder")
def test_if_no_thread_can_start_nothing_is_left_behind(lock_file, monkeypatch):
    def no_thread(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("vigility.adapters.sql.sqlite.file_lock._thread.start_new_thread", no_thread)
    with pytest.raises(OSError, match="can't start new thread"), file_lock(lock_file, TIMEOUT):
        pytest.fail("the lock was acquired")
    assert open_descriptors(lock_file) == 1, "that of the holder"
