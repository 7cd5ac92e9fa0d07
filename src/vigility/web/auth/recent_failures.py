"""Which networks have failed to sign in lately, as far as this worker knows: whose turn it is to be hashed.

The counts in the database are for limits, and an attacker with many networks stays below each of them. These
counts order those who wait: a network that has not failed goes before those that have.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from time import monotonic
from typing import Final

from vigility.web.http.client_address import ClientNetworks
from vigility.web.http.fair_queue import Turn

_REMEMBERED_SECONDS: Final = 1800.0
# Some 3 MB. An attacker with more networks than that has one turn for each, as everybody has.
_MAX_REMEMBERED: Final = 20_000


class RecentFailures:
    """Counts failures by network, and says how an attempt waits. Safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()  # and when the last one was

    def turn_of(self, networks: ClientNetworks, *, is_known: bool) -> Turn:
        """The turn of an attempt. Those from a network that its account is known to use go first."""
        if is_known:
            return Turn(f"known {networks.subscriber}")
        group, lane = networks.provider, networks.widest
        with self._lock:
            return Turn(group, lane, 1 + self._count(_group(group)), self._count(lane))

    def add(self, turn: Turn) -> None:
        """Count a failure of an attempt with this turn."""
        if turn.lane:  # a known network keeps its place: its own limit bounds what it can do
            with self._lock:
                self._add(_group(turn.group))
                self._add(turn.lane)

    def _count(self, name: str) -> int:
        count, last = self._counts.get(name, (0, 0.0))
        return count if monotonic() - last < _REMEMBERED_SECONDS else 0

    def _add(self, name: str) -> None:
        self._counts[name] = (self._count(name) + 1, monotonic())
        self._counts.move_to_end(name)
        if len(self._counts) > _MAX_REMEMBERED:
            self._counts.popitem(last=False)


def _group(name: str) -> str:
    """A key of its own: what has no networks, such as a socket of the file system, is its own provider."""
    return f"provider {name}"
