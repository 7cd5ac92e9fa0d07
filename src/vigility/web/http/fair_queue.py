"""A queue in front of something slow, in which nobody can keep the others waiting by asking more often."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final


class QueueRefused(Exception):
    """The queue is full, and whoever waits in it has more of a right to."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How one call waits for its turn.

    Attributes:
        lane: calls of one lane wait one behind the other. The lanes take turns.
        delay: how many turns the lane lets others go before it. For each turn that it gets it is one more.
    """

    lane: str = ""
    delay: int = 0


ANY_TURN: Final = Turn()


@dataclass(slots=True)
class _Lane:
    delay: int
    last_turn: int
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class FairQueue:
    """Lets `slots` calls run at a time, and `size` wait. Used in one event loop, which needs no lock.

    The lane with the lowest delay goes first, and of several the one that has waited longest for a turn. In a
    full queue a call takes the place of the last one of the longest lane, if its own lane is shorter or, with
    equal lengths, has a lower delay.
    """

    def __init__(self, slots: int, size: int) -> None:
        self._free = slots
        self._size = size
        self._lanes: dict[str, _Lane] = {}
        self._turns = 0

    def __len__(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes.values())

    async def enter(self, turn: Turn) -> None:
        """Wait for a slot; `leave` gives it back. Raises QueueRefused, at once or while waiting."""
        if self._free:
            self._free -= 1
            return
        if len(self) >= self._size:
            self._make_room(turn)
        waiter = self._append(turn)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                self._remove(turn.lane, waiter)
            elif waiter.exception() is None:
                self.leave()  # the slot was given in the same moment
            raise

    def leave(self) -> None:
        """Give the slot back, to the next that waits."""
        while self._lanes:
            name, lane = min(self._lanes.items(), key=lambda item: (item[1].delay, item[1].last_turn))
            waiter = lane.waiting[0]
            self._remove(name, waiter)
            if not waiter.done():  # and not cancelled a moment ago
                lane.delay += 1
                lane.last_turn = self._next_turn()
                waiter.set_result(None)
                return
        self._free += 1

    def _append(self, turn: Turn) -> asyncio.Future[None]:
        waiter = asyncio.get_running_loop().create_future()
        lane = self._lanes.setdefault(turn.lane, _Lane(turn.delay, self._next_turn()))
        lane.delay = max(lane.delay, turn.delay)
        lane.waiting.append(waiter)
        return waiter

    def _make_room(self, turn: Turn) -> None:
        if not self._lanes:
            raise QueueRefused
        name, longest = max(self._lanes.items(), key=lambda item: (len(item[1].waiting), item[1].delay))
        own = self._lanes.get(turn.lane)
        rank = (len(own.waiting) + 1, own.delay) if own else (1, turn.delay)
        if rank >= (len(longest.waiting), longest.delay):
            raise QueueRefused
        last = longest.waiting[-1]
        self._remove(name, last)
        if not last.done():
            last.set_exception(QueueRefused())

    def _remove(self, name: str, waiter: asyncio.Future[None]) -> None:
        lane = self._lanes.get(name)
        if lane is not None and waiter in lane.waiting:
            lane.waiting.remove(waiter)
            if not lane.waiting:
                del self._lanes[name]

    def _next_turn(self) -> int:
        self._turns += 1
        return self._turns
