"""The queue in front of the password hashes: networks take turns, and none can fill it."""

import asyncio

import pytest

from vigility.web.auth.recent_failures import RecentFailures
from vigility.web.http.client_address import networks_of
from vigility.web.http.fair_queue import FairQueue, QueueRefused, Turn


class Waiting:
    """Calls that wait in a queue of one slot, which the test gives back. `served` has their order."""

    def __init__(self, size=100):
        self.queue = FairQueue(1, size)
        self.served = []
        self.refused = []
        self.tasks = {}

    async def put(self, name, lane="", delay=0, group="", group_delay=0):
        self.tasks[name] = asyncio.ensure_future(self._wait(name, Turn(group, lane, group_delay, delay)))
        await asyncio.sleep(0)  # it enters
        await asyncio.sleep(0)  # and one that had to make room notices

    async def _wait(self, name, turn):
        try:
            await self.queue.enter(turn)
        except QueueRefused:
            self.refused.append(name)
        else:
            self.served.append(name)

    async def serve_all(self):
        while len(self.queue):
            self.queue.leave()
            await asyncio.sleep(0)
        return self.served


def run(scenario, **options):
    async def main():
        waiting = Waiting(**options)
        await waiting.put("first")
        await scenario(waiting)
        await waiting.serve_all()
        await asyncio.gather(*waiting.tasks.values(), return_exceptions=True)
        waiting.queue.leave()
        assert waiting.queue._free == 1
        return waiting

    return asyncio.run(main())


def test_one_lane_is_served_in_order():
    async def scenario(waiting):
        for name in "abc":
            await waiting.put(name)

    assert run(scenario).served == ["first", "a", "b", "c"]


def test_lanes_take_turns():
    async def scenario(waiting):
        for name in ("x1", "x2", "x3", "x4", "y1", "y2", "z1"):
            await waiting.put(name, lane=name[0])

    assert run(scenario).served == ["first", "x1", "y1", "z1", "x2", "y2", "x3", "x4"]


def test_a_lane_that_comes_back_at_once_waits_behind_the_others():
    async def scenario(waiting):
        await waiting.put("x1", "x")
        await waiting.put("y1", "y")
        waiting.queue.leave()
        await asyncio.sleep(0)
        await waiting.put("x2", "x")

    assert run(scenario).served == ["first", "x1", "y1", "x2"]


def test_a_lane_without_failures_goes_before_those_with():
    async def scenario(waiting):
        for n in range(5):
            await waiting.put(f"bad{n}", f"bad{n}", delay=1 + n)
        await waiting.put("good", "good", delay=1)
        await waiting.put("known", "known")

    assert run(scenario).served == ["first", "known", "bad0", "good", "bad1", "bad2", "bad3", "bad4"]


def test_a_flood_of_one_lane_does_not_go_before_a_lane_that_failed_once():
    async def scenario(waiting):
        for n in range(20):
            await waiting.put(f"flood{n}", "flood", delay=1)
        await waiting.put("slip", "slip", delay=2)

    assert run(scenario).served.index("slip") == 2


def test_a_hundred_lanes_that_keep_failing_do_not_delay_a_fresh_one():
    async def scenario(waiting):
        for n in range(100):
            await waiting.put(f"attacker{n}", f"attacker{n}", delay=30)
        await waiting.put("owner", "owner", delay=1)

    waiting = run(scenario, size=31)
    assert waiting.served.index("owner") == 1
    assert len(waiting.refused) == 70


def test_in_a_full_queue_the_longest_lane_makes_room():
    async def scenario(waiting):
        for n in range(3):
            await waiting.put(f"x{n}", "x")
        await waiting.put("y", "y")
        assert waiting.refused == ["x2"]
        await waiting.put("y2", "y")
        await waiting.put("x3", "x")

    waiting = run(scenario, size=3)
    assert waiting.refused == ["x2", "y2", "x3"]
    assert waiting.served == ["first", "x0", "y", "x1"]


def test_in_a_full_queue_of_equal_lanes_the_one_that_failed_most_makes_room():
    async def scenario(waiting):
        await waiting.put("a", "a", delay=5)
        await waiting.put("b", "b", delay=9)
        await waiting.put("c", "c", delay=9)
        await waiting.put("d", "d", delay=1)

    waiting = run(scenario, size=2)
    assert (waiting.served, waiting.refused) == (["first", "d", "a"], ["c", "b"])


def test_groups_take_turns_however_many_lanes_they_have():
    async def scenario(waiting):
        for n in range(50):
            await waiting.put(f"a{n}", f"lane {n}", group="a")
        await waiting.put("b0", group="b")
        await waiting.put("b1", group="b")
        await waiting.put("known", group="known", group_delay=-1)

    assert run(scenario).served[:6] == ["first", "known", "a0", "b0", "a1", "b1"]


def test_in_a_full_queue_the_largest_group_makes_room():
    async def scenario(waiting):
        for n in range(4):
            await waiting.put(f"a{n}", f"lane {n}", group="a", delay=n % 3)
        await waiting.put("b0", "lane", group="b")
        assert waiting.refused == ["a2"], "the one that failed most"
        await waiting.put("b1", "lane", group="b")
        await waiting.put("b2", "lane", group="b")

    waiting = run(scenario, size=4)
    assert waiting.refused == ["a2", "a1", "b2"]
    assert waiting.served == ["first", "a0", "b0", "a3", "b1"]


@pytest.mark.parametrize(
    ("address", "group", "lane"),
    [
        ("192.0.2.7", "192.0.0.0/16", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.0.0/16", "192.0.2.7"),
        ("2001:db8:1:2::3", "2001:db8::/32", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/32", "fe80::/48"),
        ("local", "local", "local"),
    ],
)
def test_the_turn_of_an_address(address, group, lane):
    failures, networks = RecentFailures(), networks_of(address)
    first = failures.turn_of(networks, is_known=False)
    assert first == Turn(group, lane, 1, 0)
    for _ in range(3):
        failures.add(first)
    assert failures.turn_of(networks, is_known=False) == Turn(group, lane, 4, 3)
    known = failures.turn_of(networks, is_known=True)
    assert (known.group_delay, known.lane_delay) == (0, 0)
    failures.add(known)
    assert failures.turn_of(networks, is_known=True) == known


def test_failures_are_forgotten_after_half_an_hour(monkeypatch):
    moment = [0.0]
    monkeypatch.setattr("vigility.web.auth.recent_failures.monotonic", lambda: moment[0])
    failures, networks = RecentFailures(), networks_of("192.0.2.7")
    failures.add(failures.turn_of(networks, is_known=False))
    moment[0] = 1_799
    assert failures.turn_of(networks, is_known=False).lane_delay == 1
    moment[0] = 1_800
    assert failures.turn_of(networks, is_known=False).lane_delay == 0


def test_failures_of_a_bounded_number_of_networks_are_remembered(monkeypatch):
    monkeypatch.setattr("vigility.web.auth.recent_failures._MAX_REMEMBERED", 10)
    failures = RecentFailures()
    for n in range(50):
        failures.add(failures.turn_of(networks_of(f"192.0.2.{n}"), is_known=False))
    assert len(failures._counts) == 10
    assert failures.turn_of(networks_of("192.0.2.49"), is_known=False) == Turn(
        "192.0.0.0/16", "192.0.2.49", 51, 1
    )


def test_a_queue_without_places_refuses_at_once():
    async def scenario(waiting):
        await waiting.put("a")

    assert run(scenario, size=0).refused == ["a"]


@pytest.mark.parametrize("moment", ["before", "during"])
def test_a_call_that_is_cancelled_gives_its_place_and_its_slot_back(moment):
    async def scenario(waiting):
        await waiting.put("a", "a")
        await waiting.put("b", "b")
        if moment == "during":
            waiting.queue.leave()  # gives the slot to a, which does not run any more
        waiting.tasks["a"].cancel()
        if moment == "before":
            waiting.queue.leave()  # must skip a, which has not noticed yet
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert run(scenario).served == ["first", "b"]
