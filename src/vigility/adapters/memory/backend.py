"""An installation in memory."""

from __future__ import annotations

import threading

from vigility.adapters.memory.events import MemoryEvents
from vigility.adapters.memory.sessions import MemoryKnownNetworks, MemoryRateLimits, MemoryRevokedTokens
from vigility.adapters.memory.users import MemoryUsers
from vigility.core.events.feature_limit import MAX_FEATURES
from vigility.core.installation import Installation


class MemoryBackend:
    """Implements `vigility.core.installation.StorageBackend`."""

    def __init__(self, max_features: int = MAX_FEATURES) -> None:
        self.lock = threading.RLock()
        self.users = MemoryUsers(self.lock)
        self.known_networks = MemoryKnownNetworks(self.lock)
        self.events = MemoryEvents(self.lock, self.users, max_features)

    @property
    def identity(self) -> str:
        """See `StorageBackend.identity`."""
        return f"memory {id(self)}"

    def is_empty(self) -> bool:
        """See `StorageBackend.is_empty`."""
        return not len(self.events) and not list(self.users.all())

    def wipe(self) -> None:
        """See `StorageBackend.wipe`."""
        with self.lock:
            self.users.clear()
            self.events.clear()
            self.known_networks.clear()

    def close(self) -> None:
        """Nothing is held open."""


def open_memory(max_features: int = MAX_FEATURES) -> Installation:
    """A new installation, empty."""
    backend = MemoryBackend(max_features)
    return Installation(
        users=backend.users,
        revoked_tokens=MemoryRevokedTokens(backend.lock),
        rate_limits=MemoryRateLimits(backend.lock),
        known_networks=backend.known_networks,
        sink=backend.events,
        reports=backend.events,
        rollups=backend.events,
        event_log=backend.events,
        backends=(backend,),
        max_features=max_features,
    )
