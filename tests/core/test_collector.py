"""The collector rests inside, and is left as it was found: by any number of threads, and in a child."""

import gc
import os
import threading
from contextlib import ExitStack

import pytest

from vigility.core.gc_pause import gc_paused

PATIENCE = 60


@pytest.fixture(autouse=True)
def enabled():
    gc.enable()
    yield
    gc.enable()


@pytest.mark.parametrize("before", [True, False])
def test_it_rests_and_is_left_as_it_was(before):
    (gc.enable if before else gc.disable)()
    with gc_paused():
        assert not gc.isenabled()
    assert gc.isenabled() is before
    with pytest.raises(ZeroDivisionError), gc_paused():
        _ = 1 / 0
    assert gc.isenabled() is before


@pytest.mark.parametrize("first_out", ["first in", "last in"])
def test_of_two_that_overlap_neither_leaves_it_off(first_out):
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(gc_paused())
        second.enter_context(gc_paused())
        leaving = [first, second] if first_out == "first in" else [second, first]
        for stack in leaving:
            stack.close()
        assert gc.isenabled()


def test_a_child_that_was_forked_meanwhile_collects():
    inside, done = threading.Event(), threading.Event()

    def work():
        with gc_paused():
            inside.set()
            done.wait(PATIENCE)

    worker = threading.Thread(target=work)
    worker.start()
    assert inside.wait(PATIENCE)
    child = os.fork()
    if child == 0:
        collects = gc.isenabled()
        with gc_paused():
            rests = not gc.isenabled()
        os._exit(0 if collects and rests and gc.isenabled() else 1)
    done.set()
    worker.join()
    assert os.waitpid(child, 0)[1] == 0
