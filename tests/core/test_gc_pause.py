"""GC is paused inside and restored afterwards: with any number of threads, and in a forked child."""

import gc
import os
import threading
from contextlib import ExitStack

import pytest

from vigility.core.gc_pause import gc_paused

TIMEOUT = 60
THRESHOLD = (700, 10, 10)


class Cycle:
    """Garbage that only the collector frees."""

    freed = 0

    def __init__(self):
        self.itself = self

    def __del__(self):
        Cycle.freed += 1


def collects():
    """Whether making many objects starts the collector."""
    freed, Cycle.freed = Cycle.freed, 0
    kept = [[] for _ in range(20 * THRESHOLD[0])]
    Cycle()
    kept += [[] for _ in range(20 * THRESHOLD[0])]
    found, Cycle.freed = Cycle.freed > 0, freed
    return found


@pytest.fixture(autouse=True)
def gc_enabled():
    before = gc.get_threshold()
    gc.enable()
    gc.set_threshold(*THRESHOLD)
    yield
    gc.enable()
    gc.set_threshold(*before)


@pytest.mark.parametrize("before", [True, False])
def test_gc_is_paused_and_restored(before):
    (gc.enable if before else gc.disable)()
    with gc_paused():
        assert not collects()
    assert collects() is before
    with pytest.raises(ZeroDivisionError), gc_paused():
        _ = 1 / 0
    assert (gc.isenabled(), gc.get_threshold()) == (before, THRESHOLD)


@pytest.mark.parametrize("first_out", ["first in", "last in"])
def test_overlapping_pauses_leave_gc_enabled(first_out):
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(gc_paused())
        second.enter_context(gc_paused())
        leaving = [first, second] if first_out == "first in" else [second, first]
        for stack in leaving:
            stack.close()
        assert collects()


def test_disabling_gc_during_a_pause_stands():
    with gc_paused():
        gc.disable()
    assert (gc.isenabled(), gc.get_threshold()) == (False, THRESHOLD)


@pytest.mark.parametrize("chosen", [0, 50_000])
def test_a_threshold_that_is_set_during_a_pause_stands(chosen):
    with gc_paused():
        gc.set_threshold(chosen)
    assert gc.get_threshold()[0] == chosen


def test_a_threshold_that_was_read_during_a_pause_and_restored_later_does_not_stay():
    with gc_paused():
        during = gc.get_threshold()
    gc.set_threshold(*during)
    with gc_paused():
        pass
    assert gc.get_threshold() == THRESHOLD


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
        works = collects()
        with gc_paused():
            pauses = not collects()
        os._exit(0 if works and pauses and collects() else 1)
    finish.set()
    worker.join()
    assert os.waitpid(child, 0)[1] == 0
