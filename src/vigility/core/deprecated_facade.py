"""Old names of the facade. They work, with a DeprecationWarning."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from vigility.core.deprecated import warn_deprecated
from vigility.core.reports.ports import RollupDifference
from vigility.core.times import Span
from vigility.core.users.model import User

if TYPE_CHECKING:
    from vigility.core.events.ports import OnDone
    from vigility.core.events.tracking import Importer, Tracker
    from vigility.core.maintenance import Maintenance
    from vigility.core.sessions.rate_limit import RateLimits
    from vigility.core.sessions.revocation import Sessions
    from vigility.core.users.accounts import Users


class DeprecatedFacade:
    """The methods and attributes that moved to `users`, `events` and `maintenance`."""

    if TYPE_CHECKING:
        users: Users
        events: Tracker
        maintenance: Maintenance

    @property
    def accounts(self) -> Users:
        """Deprecated: see `Vigility.users`."""
        warn_deprecated("Vigility.accounts", "Vigility.users")
        return self.users

    @property
    def sessions(self) -> Sessions:
        """Deprecated: see `Vigility.users.sessions`."""
        warn_deprecated("Vigility.sessions", "Vigility.users.sessions")
        return self.users.sessions

    @property
    def attempts(self) -> RateLimits:
        """Deprecated: see `Vigility.users.rate_limits`."""
        warn_deprecated("Vigility.attempts", "Vigility.users.rate_limits")
        return self.users.rate_limits

    def authenticate(self, username: str, password: str) -> User:
        """Deprecated: see `Vigility.users.authenticate`."""
        warn_deprecated("Vigility.authenticate()", "Vigility.users.authenticate()")
        return self.users.authenticate(username, password)

    def user(self, username: str) -> User | None:
        """Deprecated: see `Vigility.users.get`."""
        warn_deprecated("Vigility.user()", "Vigility.users.get()")
        return self.users.get(username)

    def users_named(self, usernames: Collection[str]) -> dict[str, User]:
        """Deprecated: see `Vigility.users.by_names`."""
        warn_deprecated("Vigility.users_named()", "Vigility.users.by_names()")
        return self.users.by_names(usernames)

    def submit_now(self, user: User, feature: object, event_id: object, deliver: OnDone) -> None:
        """Deprecated: see `Vigility.events.enqueue`."""
        warn_deprecated("Vigility.submit_now()", "Vigility.events.enqueue()")
        self.events.enqueue(user, feature, event_id, deliver)

    @property
    def queued(self) -> int:
        """Deprecated: see `Vigility.events.queued`."""
        warn_deprecated("Vigility.queued", "Vigility.events.queued")
        return self.events.queued

    def importer(self, span: Span | None = None, known: Iterable[User] = ()) -> Importer:
        """Deprecated: see `Vigility.events.importer`."""
        warn_deprecated("Vigility.importer()", "Vigility.events.importer()")
        return self.events.importer(span, known)

    def verify_summaries(self) -> list[RollupDifference]:
        """Deprecated: see `Vigility.maintenance.verify_rollups`."""
        warn_deprecated("Vigility.verify_summaries()", "Vigility.maintenance.verify_rollups()")
        return self.maintenance.verify_rollups()

    def rebuild_summaries(self) -> None:
        """Deprecated: see `Vigility.maintenance.rebuild_rollups`."""
        warn_deprecated("Vigility.rebuild_summaries()", "Vigility.maintenance.rebuild_rollups()")
        self.maintenance.rebuild_rollups()

    def ping(self) -> None:
        """Deprecated: see `Vigility.maintenance.ping`."""
        warn_deprecated("Vigility.ping()", "Vigility.maintenance.ping()")
        self.maintenance.ping()

    def is_empty(self) -> bool:
        """Deprecated: see `Vigility.maintenance.is_empty`."""
        warn_deprecated("Vigility.is_empty()", "Vigility.maintenance.is_empty()")
        return self.maintenance.is_empty()

    def wipe(self) -> None:
        """Deprecated: see `Vigility.maintenance.wipe`."""
        warn_deprecated("Vigility.wipe()", "Vigility.maintenance.wipe()")
        self.maintenance.wipe()
