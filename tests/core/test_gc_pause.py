"""GC is paused inside and restored afterwards: with any number of threads, and in a forked child."""

import gc
import os
import threading
from contextlib import ExitStack

import pytest

from vigility.core.gc_pause import gc_paused

TIMEOUT = 60


@pytest.fixture(autouse=True)
def gc_enabled():
    gc.enable()
    yield
    gc.enable()


@pytest.mark.parametrize("before", [True, False])
def test_gc_is_paused_and_restored(before):
    (gc.enable if before else gc.disable)()
    with gc_paused():
        assert not gc.isenabled()
    assert gc.isenabled() is before
    with pytest.raises(ZeroDivisionError), gc_paused():
        _ = 1 / 0
    assert gc.isenabled() is before


@pytest.mark.parametrize("first_out", ["first in", "last in"])
def test_overlapping_pauses_leave_gc_enabled(first_out):
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(gc_paused())
        second.enter_context(gc_paused())
        leaving = [first, second] if first_out == "first in" else [second, first]
        for stack in leaving:
            stack.close()
        assert gc.isenabled()


def test_a_child_forked_during_a_pause_collects():
    inside, finish = threading.Event(), threading.Event()

    def work():
        with gc_paused():
            inside.set()
            finish.wait(TIMEOUT)

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(TIMEOUT)
    child = os.fork()
    if child == 0:
        collects = gc.isenabled()
        with gc_paused():
            pauses = not gc.isenabled()
        os._exit(0 if collects and pauses and gc.isenabled() else 1)
    finish.set()
    worker.join()
    assert os.waitpid(child, 0)[1] == 0
