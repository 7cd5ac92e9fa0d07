"""A flood of log-ins leaves the rest alone."""

import asyncio
import threading

import falcon
import pytest

from vigility.core.errors import QueueFull, StoreUnavailable
from vigility.web import threads
from vigility.web.threads import Threads


def test_store_work_does_not_wait_for_password_hashes():
    async def flood_and_track():
        pools, released = Threads(password_threads=1), threading.Event()
        hashes = [asyncio.ensure_future(pools.password(released.wait)) for _ in range(10)]
        try:
            assert await asyncio.wait_for(pools.store(lambda: "stored"), timeout=30) == "stored"
            assert not any(each.done() for each in hashes)
        finally:
            released.set()
        await asyncio.gather(*hashes)
        pools.stop()

    asyncio.run(flood_and_track())


def test_as_many_hashes_run_at_once_as_are_allowed():
    async def flood():
        pools, running, most = Threads(password_threads=2), [], []
        both = threading.Barrier(2)

        def hashing():
            running.append(1)
            most.append(len(running))
            both.wait(timeout=30)
            running.pop()

        await asyncio.gather(*(pools.password(hashing) for _ in range(8)))
        pools.stop()
        return max(most)

    assert asyncio.run(flood()) == 2


def test_past_a_bound_log_ins_are_sent_away(monkeypatch):
    monkeypatch.setattr(threads, "MAX_WAITING_FOR_A_HASH", 2)

    async def flood():
        pools, released = Threads(password_threads=1), threading.Event()
        hashes = [asyncio.ensure_future(pools.password(released.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(falcon.HTTPServiceUnavailable):
            await pools.password(released.wait)
        released.set()
        await asyncio.gather(*hashes)
        await pools.password(lambda: None)
        pools.stop()

    asyncio.run(flood())


def test_hashes_yield_to_everything_else():
    async def niceness():
        pools = Threads(password_threads=1)
        try:
            import os

            def mine():
                return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

            return await pools.password(mine), await pools.store(mine)
        finally:
            pools.stop()

    hashing, storing = asyncio.run(niceness())
    assert hashing > storing


def test_past_a_bound_batches_are_sent_away(monkeypatch):
    monkeypatch.setattr(threads, "MAX_WAITING_BATCHES", 2)

    async def flood():
        pools, released = Threads(password_threads=1), threading.Event()
        batches = [asyncio.ensure_future(pools.batch(released.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await pools.batch(released.wait)
        assert await asyncio.wait_for(pools.store(lambda: "read"), timeout=30) == "read"
        released.set()
        await asyncio.gather(*batches)
        assert await pools.batch(lambda: "stored") == "stored"
        pools.stop()

    asyncio.run(flood())


def test_batches_that_waited_for_an_unavailable_store_are_told_what_the_first_learned(monkeypatch):
    monkeypatch.setattr(threads, "RETRY_SECONDS", 0)

    async def batches():
        pools, tried, released = Threads(password_threads=1), [], threading.Event()

        def fails():
            tried.append(1)
            released.wait()
            raise StoreUnavailable("usage.db: locked", "another process is writing")

        waiting = [asyncio.ensure_future(pools.batch(fails)) for _ in range(5)]
        await asyncio.sleep(0)
        released.set()
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert await pools.batch(lambda: "stored") == "stored", "who comes later is tried"
        pools.stop()
        return tried, told

    tried, told = asyncio.run(batches())
    assert len(tried) == 1
    assert [(type(error), str(error), error.reason) for error in told] == [
        (StoreUnavailable, "usage.db: locked", "another process is writing")
    ] * 5


def test_batches_that_hardly_waited_are_tried_for_themselves():
    """A connection that was cut is the matter of one batch."""

    async def batches():
        pools, released = Threads(password_threads=1), threading.Event()

        def fails():
            released.wait()
            raise StoreUnavailable("cut")

        waiting = [asyncio.ensure_future(pools.batch(call)) for call in (fails, lambda: "stored")]
        await asyncio.sleep(0)
        released.set()
        told = await asyncio.gather(*waiting, return_exceptions=True)
        pools.stop()
        return told

    failed, stored = asyncio.run(batches())
    assert (type(failed), stored) == (StoreUnavailable, "stored")
