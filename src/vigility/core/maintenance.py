"""Use cases of those who run an installation: checking it, repairing it, emptying it."""

from __future__ import annotations

from vigility.core.installation import Installation
from vigility.core.reports.ports import RollupDifference


class Maintenance:
    """Checks, repairs and empties an installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def verify_rollups(self) -> list[RollupDifference]:
        """Compare the rollups, which reports are read from, with the events. Empty if they agree."""
        return self._installation.rollups.verify()

    def rebuild_rollups(self) -> None:
        """Build the rollups again from the events."""
        self._installation.rollups.rebuild()

    def ping(self) -> None:
        """Read as little as possible from each database. Raises StoreUnavailable if one cannot be read."""
        for backend in self._installation.backends:
            backend.is_empty()

    def is_empty(self) -> bool:
        """Whether the installation holds neither users nor events."""
        return all(backend.is_empty() for backend in self._installation.backends)

    def wipe(self) -> None:
        """Delete all users, events and rollups. Each database does so in one transaction."""
        for backend in self._installation.backends:
            backend.wipe()
