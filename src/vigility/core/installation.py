"""An installation: the ports that one `Vigility` works with.

`vigility.bootstrap` puts it together from URLs. Users, tokens and rate limits may live in one database and
events in another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vigility.core.events.ports import EventLog, EventSink
from vigility.core.reports.ports import ReportReader, RollupMaintenance
from vigility.core.sessions.ports import (
    KnownNetworkRepository,
    RateLimitRepository,
    RevokedTokenRepository,
)
from vigility.core.users.ports import UserRepository


class StorageBackend(Protocol):
    """One opened database, whatever it holds."""

    @property
    def identity(self) -> str:
        """What distinguishes this database from every other, whatever URL it was opened with."""
        ...

    def is_empty(self) -> bool:
        """Whether it holds neither users nor events. Raises StoreUnavailable if it cannot be read."""
        ...

    def wipe(self) -> None:
        """Delete all users, their known networks, events and rollups that it holds, in one transaction.

        Revoked tokens and rate limits stay, so that a wipe brings no session back to life.
        """
        ...

    def close(self) -> None:
        """Release what it holds open. Idempotent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """The ports of one installation.

    Users and events may be in different databases if the events' database needs no users: the SQL ones do,
    for they refuse events of users whom they do not hold.

    Attributes:
        sink: takes events in, in batches.
        max_features: how many different features the sink takes, or None if it has no limit.
        event_log: the same events under their ids; for copies.
        backends: the databases behind the ports, each once; those that hold events before those that hold
            users, which is the order in which they are wiped.
    """

    users: UserRepository
    revoked_tokens: RevokedTokenRepository
    rate_limits: RateLimitRepository
    known_networks: KnownNetworkRepository
    sink: EventSink
    reports: ReportReader
    rollups: RollupMaintenance
    event_log: EventLog
    backends: tuple[StorageBackend, ...]
    max_features: int | None = None

    @property
    def identity(self) -> frozenset[str]:
        """The identities of its databases."""
        return frozenset(backend.identity for backend in self.backends)

    def close(self) -> None:
        """Close its databases. Idempotent."""
        for backend in self.backends:
            backend.close()
