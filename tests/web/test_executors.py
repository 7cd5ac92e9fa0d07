"""Many sign-ins at the same time do not slow down anything else."""

import asyncio
import threading

import falcon
import pytest

from vigility.core.errors import QueueFull, StoreDamaged, StoreUnavailable
from vigility.web.http import executors
from vigility.web.http.executors import Executors


def test_database_work_does_not_wait_for_password_hashes():
    async def flood_and_track():
        pools, released = Executors(password_threads=1), threading.Event()
        hashes = [asyncio.ensure_future(pools.password(released.wait)) for _ in range(10)]
        try:
            assert await asyncio.wait_for(pools.database(lambda: "stored"), timeout=30) == "stored"
            assert not any(each.done() for each in hashes)
        finally:
            released.set()
        await asyncio.gather(*hashes)
        pools.stop()

    asyncio.run(flood_and_track())


def test_at_most_the_allowed_hashes_run_concurrently():
    async def flood():
        pools, running, most = Executors(password_threads=2), [], []
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


def test_sign_ins_are_refused_if_too_many_wait(monkeypatch):
    monkeypatch.setattr(executors, "MAX_WAITING_HASHES", 2)

    async def flood():
        pools, released = Executors(password_threads=1), threading.Event()
        hashes = [asyncio.ensure_future(pools.password(released.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(falcon.HTTPServiceUnavailable):
            await pools.password(released.wait)
        released.set()
        await asyncio.gather(*hashes)
        await pools.password(lambda: None)
        pools.stop()

    asyncio.run(flood())


def test_hashes_have_a_lower_priority():
    async def niceness():
        pools = Executors(password_threads=1)
        try:
            import os

            def priority():
                return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

            return await pools.password(priority), await pools.database(priority)
        finally:
            pools.stop()

    hashing, others = asyncio.run(niceness())
    assert hashing > others


def test_batches_are_refused_if_too_many_wait(monkeypatch):
    monkeypatch.setattr(executors, "MAX_WAITING_BATCHES", 2)

    async def flood():
        pools, released = Executors(password_threads=1), threading.Event()
        batches = [asyncio.ensure_future(pools.batch(released.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await pools.batch(released.wait)
        assert await asyncio.wait_for(pools.database(lambda: "read"), timeout=30) == "read"
        released.set()
        await asyncio.gather(*batches)
        assert await pools.batch(lambda: "stored") == "stored"
        pools.stop()

    asyncio.run(flood())


def stores(*calls):
    """Submit batches before the first one begins. Returns their results."""

    async def stored():
        pools, released = Executors(password_threads=1), threading.Event()
        waiting = [asyncio.ensure_future(pools.batch(released.wait))]
        waiting += [asyncio.ensure_future(pools.batch(call)) for call in calls]
        await asyncio.sleep(0)
        released.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert await pools.batch(lambda: "stored") == "stored", "a later batch must be tried"
        pools.stop()
        return results[1:]

    return asyncio.run(stored())


def unavailable():
    raise StoreUnavailable("usage.db: locked", "another process is writing")


def test_batches_that_waited_fail_with_the_error_of_the_first(monkeypatch):
    monkeypatch.setattr(executors, "OUTAGE_SECONDS", -1)  # every attempt counts as long
    results = stores(unavailable, *[lambda: pytest.fail("it was tried")] * 4)
    assert [(type(error), str(error), error.reason) for error in results] == [
        (StoreUnavailable, "usage.db: locked", "another process is writing")
    ] * 5
    assert len(set(map(id, results))) == 5, (
        "every batch needs its own error, because it will hold the request"
    )


def test_so_they_do_if_the_database_is_damaged(monkeypatch):
    def damaged():
        raise StoreDamaged("usage.db: page 7")

    monkeypatch.setattr(executors, "OUTAGE_SECONDS", -1)
    results = stores(damaged, *[lambda: pytest.fail("it was tried")] * 4)
    assert [(type(error), str(error)) for error in results] == [(StoreDamaged, "usage.db: page 7")] * 5
    assert len(set(map(id, results))) == 5


def test_a_quick_failure_affects_only_its_own_batch(monkeypatch):
    """For example a connection that was cut."""
    monkeypatch.setattr(executors, "OUTAGE_SECONDS", 60)
    failed, *stored = stores(unavailable, *[lambda: "stored"] * 4)
    assert (type(failed), stored) == (StoreUnavailable, ["stored"] * 4)


def test_a_failure_while_another_batch_succeeds_affects_only_its_own_batch(monkeypatch):
    monkeypatch.setattr(executors, "OUTAGE_SECONDS", -1)

    async def stored():
        pools = Executors(password_threads=1, batch_threads=2)
        began, succeeded = threading.Event(), threading.Event()

        def fails():
            began.set()
            assert succeeded.wait(60)
            unavailable()

        def succeeds():
            assert began.wait(60)
            return "stored"

        def next_of_the_other():  # runs in the thread of `succeeds`, whose success is recorded by now
            succeeded.set()
            return "stored"

        calls = [fails, succeeds, next_of_the_other, *[lambda: "stored"] * 4]
        waiting = [asyncio.ensure_future(pools.batch(call)) for call in calls]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        pools.stop()
        return results

    failed, *others = asyncio.run(stored())
    assert (type(failed), others) == (StoreUnavailable, ["stored"] * 6)


def test_health_and_other_work_do_not_wait_for_reports():
    async def flood():
        pools, released = Executors(password_threads=1), threading.Event()
        reports = [asyncio.ensure_future(pools.report(released.wait)) for _ in range(12)]
        try:
            await asyncio.wait_for(pools.health(lambda: None), timeout=30)
            assert await asyncio.wait_for(pools.database(lambda: "read"), timeout=30) == "read"
            assert not any(each.done() for each in reports)
        finally:
            released.set()
        await asyncio.gather(*reports)
        pools.stop()

    asyncio.run(flood())


def test_reports_are_refused_if_too_many_wait(monkeypatch):
    monkeypatch.setattr(executors, "MAX_WAITING_REPORTS", 2)

    async def flood():
        pools, released = Executors(password_threads=1), threading.Event()
        reports = [asyncio.ensure_future(pools.report(released.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(falcon.HTTPServiceUnavailable) as refused:
            await pools.report(released.wait)
        released.set()
        await asyncio.gather(*reports)
        assert refused.value.description == "Too many reports at this moment; try again shortly"
        assert refused.value.headers == {"Retry-After": "2"}
        assert await pools.report(lambda: "read") == "read"
        pools.stop()

    asyncio.run(flood())


def test_a_report_that_has_waited_for_too_long_is_not_begun(monkeypatch):
    monkeypatch.setattr(executors, "REPORT_FIRST_ATTEMPT_SECONDS", -1)

    async def late():
        pools = Executors(password_threads=1)
        with pytest.raises(falcon.HTTPServiceUnavailable):
            await pools.report(lambda: pytest.fail("it was begun"))
        pools.stop()

    asyncio.run(late())


def test_health_checks_at_the_same_time_share_one_result():
    async def checked():
        pools, released, began = Executors(password_threads=1), threading.Event(), []

        def check():
            began.append(1)
            assert released.wait(60)
            if len(began) == 1:
                unavailable()

        checks = [asyncio.ensure_future(pools.health(check)) for _ in range(50)]
        await asyncio.sleep(0)
        checks[0].cancel()  # a client that is gone takes the check from nobody else
        released.set()
        results = await asyncio.gather(*checks, return_exceptions=True)
        await pools.health(check)
        pools.stop()
        return results, len(began)

    (first, *others), times = asyncio.run(checked())
    assert isinstance(first, asyncio.CancelledError)
    assert {type(error) for error in others} == {StoreUnavailable}
    assert times == 2
