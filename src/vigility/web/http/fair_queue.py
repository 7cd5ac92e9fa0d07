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
        group: the groups take turns.
        lane: within a group, the lanes take turns. The calls of a lane wait one behind the other.
        group_delay, lane_delay: how many turns the group lets other groups go before it, and the lane other
            lanes. For each turn that they get, it is one more as long as they wait for others.
    """

    group: str = ""
    lane: str = ""
    group_delay: int = 0
    lane_delay: int = 0


ANY_TURN: Final = Turn()


@dataclass(slots=True)
class _Share:
    """What a group or a lane has had. The lowest goes first."""

    delay: int
    last_turn: int
    waiting: int = 0

    @property
    def order(self) -> tuple[int, int]:
        return self.delay, self.last_turn


@dataclass(slots=True)
class _Lane:
    group: _Share
    share: _Share
    calls: deque[asyncio.Future[None]] = field(default_factory=deque)

    @property
    def order(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return self.group.order, self.share.order

    @property
    def size(self) -> tuple[int, int, int, int]:
        """How much of the queue it takes. The highest makes room."""
        return self.group.waiting, self.share.waiting, self.group.delay, self.share.delay


class FairQueue:
    """Lets `slots` calls run at a time, and `size` wait. Used in one event loop, which needs no lock.

    The group with the lowest delay goes first, and of several the one that has waited longest for a turn; in
    it the same holds for the lanes. In a full queue a call takes the place of the last one in the longest
    lane of the largest group, if its own are smaller or, with equal sizes, have a lower delay.
    """

    def __init__(self, slots: int, size: int) -> None:
        self._free = slots
        self._size = size
        self._groups: dict[str, _Share] = {}
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._turns = 0

    def __len__(self) -> int:
        return sum(group.waiting for group in self._groups.values())

    async def enter(self, turn: Turn) -> None:
        """Wait for a slot; `leave` gives it back. Raises QueueRefused, at once or while waiting."""
        if self._free:
            self._free -= 1
            return
        call = self._append(turn)
        if len(self) > self._size:
            self._make_room(turn, call)
        try:
            await call
        except asyncio.CancelledError:
            if call.cancelled():
                self._remove(turn, call)
            elif call.exception() is None:
                self.leave()  # the slot was given in the same moment
            raise

    def leave(self) -> None:
        """Give the slot back, to the next that waits."""
        while self._lanes:
            (group, name), lane = min(self._lanes.items(), key=lambda item: item[1].order)
            call = lane.calls[0]
            self._remove(Turn(group, name), call)
            if not call.done():  # and not cancelled a moment ago
                for share in (lane.group, lane.share):
                    share.delay += 1
                    share.last_turn = self._next_turn()
                call.set_result(None)
                return
        self._free += 1

    def _append(self, turn: Turn) -> asyncio.Future[None]:
        group = self._groups.setdefault(turn.group, _Share(turn.group_delay, self._next_turn()))
        fresh = _Lane(group, _Share(turn.lane_delay, self._next_turn()))
        lane = self._lanes.setdefault((turn.group, turn.lane), fresh)
        group.delay = max(group.delay, turn.group_delay)
        lane.share.delay = max(lane.share.delay, turn.lane_delay)
        call = asyncio.get_running_loop().create_future()
        lane.calls.append(call)
        group.waiting += 1
        lane.share.waiting += 1
        return call

    def _make_room(self, turn: Turn, newest: asyncio.Future[None]) -> None:
        """Refuse the last call of the largest lane; the newest call if that is not smaller without it."""
        own = self._lanes[turn.group, turn.lane]
        name, largest = max(self._lanes.items(), key=lambda item: (item[1].size, item[1] is own))
        if largest is own:
            self._remove(turn, newest)
            raise QueueRefused
        last = largest.calls[-1]
        self._remove(Turn(*name), last)
        if not last.done():
            last.set_exception(QueueRefused())

    def _remove(self, turn: Turn, call: asyncio.Future[None]) -> None:
        lane = self._lanes.get((turn.group, turn.lane))
        if lane is None or call not in lane.calls:
            return
        lane.calls.remove(call)
        lane.share.waiting -= 1
        lane.group.waiting -= 1
        if not lane.calls:
            del self._lanes[turn.group, turn.lane]
        if not lane.group.waiting:
            del self._groups[turn.group]

    def _next_turn(self) -> int:
        self._turns += 1
        return self._turns
