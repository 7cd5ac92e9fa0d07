"""From which networks each account has signed in: a limit that strangers have used up must not stop those.

Accounts and networks are named by keys of the caller's choice, at most 64 characters long.
"""

from __future__ import annotations

from typing import Final

from vigility.core.sessions.ports import KnownNetworkRepository
from vigility.core.times import MICROS_PER_DAY, Clock, to_micros

KNOWN_DAYS: Final = 90
MAX_PER_ACCOUNT: Final = 20
"""Home, work, a phone's operator and some journeys. So the table has at most 20 rows for each account."""


class KnownNetworks:
    """The use cases around known networks."""

    def __init__(self, repository: KnownNetworkRepository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    def contains(self, account: str, network: str) -> bool:
        """Whether this account has signed in from this network within 90 days. Raises StoreError."""
        seen = self._repository.last_seen(account, network)
        return seen is not None and to_micros(self._clock()) - seen < KNOWN_DAYS * MICROS_PER_DAY

    def remember(self, account: str, network: str) -> None:
        """Store that this account has just signed in from this network. Raises StoreError."""
        now = to_micros(self._clock())
        seen = self._repository.last_seen(account, network)
        if seen is None or abs(now - seen) >= MICROS_PER_DAY:  # one write a day is enough
            self._repository.record(account, network, now, MAX_PER_ACCOUNT)
