"""The facade: what an application calls, over any installation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from types import TracebackType
from typing import Self
from uuid import UUID

from vigility.core.deprecated_facade import DeprecatedFacade
from vigility.core.errors import InvalidInput
from vigility.core.events.event_forms import EventLike
from vigility.core.events.feature_limit import NewFeatures
from vigility.core.events.model import Event, NewEvent
from vigility.core.events.ports import EventQueue
from vigility.core.events.preview import Preview
from vigility.core.events.submitted import SubmittedEvent
from vigility.core.events.tracking import BATCH_SIZE, IngestResult, Tracker
from vigility.core.events.validation import EventValidator
from vigility.core.events.window import DEFAULT_WINDOW, EventWindow
from vigility.core.installation import Installation
from vigility.core.maintenance import Maintenance
from vigility.core.reports.filters import Filters
from vigility.core.reports.query import Query
from vigility.core.reports.report import Report
from vigility.core.reports.reporting import Reports
from vigility.core.sessions.known_networks import KnownNetworks
from vigility.core.sessions.rate_limit import RateLimits
from vigility.core.sessions.revocation import Sessions
from vigility.core.times import Clock
from vigility.core.users.accounts import Users
from vigility.core.users.model import User
from vigility.core.users.ports import PasswordHasher


class Vigility(DeprecatedFacade):
    """Feature-usage analytics over one installation. Made by `vigility.connect`; a context manager.

    Users are identified by their usernames throughout. Every event is durable when the call that stores it
    returns, and is included in every report made after that.

    Attributes:
        users: signs users in, looks them up, imports them.
        events: what servers and imports need besides `track`: queueing without blocking, batches.
        maintenance: checks and repairs the rollups, empties the database.
    """

    def __init__(
        self,
        installation: Installation,
        queue: EventQueue,
        hasher: PasswordHasher,
        clock: Clock,
        window: EventWindow = DEFAULT_WINDOW,
    ) -> None:
        """`queue` takes the events in: usually a group commit around the sink of the installation."""
        self._installation = installation
        self._clock = clock
        self._reports = Reports(installation.reports, clock)
        self.users = Users(
            installation.users,
            hasher,
            clock,
            Sessions(installation.revoked_tokens, clock),
            RateLimits(installation.rate_limits, clock),
            KnownNetworks(installation.known_networks, clock),
        )
        self.events = Tracker(installation.users, queue, clock, window=window)
        self.maintenance = Maintenance(installation)

    def register(self, username: str, password: str, age: int | str, gender: str) -> User:
        """Add a user who can sign in.

        Raises:
            InvalidInput: a value breaks its rule; the error names the field and what is allowed.
            UsernameTaken: the name exists.
        """
        return self.users.register(username, password, age, gender)

    def track(
        self,
        username: str,
        feature: str,
        at: datetime | str | None = None,
        event_id: UUID | str | None = None,
    ) -> Event:
        """Store that a user used a feature, at a moment with a time zone (by default now).

        With an `event_id`, a UUID chosen by the caller, the call can be repeated without counting twice: it
        returns the first event.

        Raises:
            InvalidInput: a value breaks its rule; the error names the field and what is allowed.
            UnknownUser: the user is not registered.
            EventConflict: the `event_id` belongs to the user's event of another feature.
            StoreError: the database did not take it. Nothing was stored, except for OutcomeUnknown.
        """
        return self.submit(username, feature, at, event_id).result().event

    def submit(
        self,
        username: str,
        feature: str,
        at: datetime | str | None = None,
        event_id: UUID | str | None = None,
    ) -> SubmittedEvent:
        """Like `track`, without waiting: the future is done when the event is durable.

        `result()` waits for it in a thread, `await` in a coroutine of asyncio. Submitted events are stored
        together, many in one transaction. `flush`, `close` and interpreter exit wait for them. Raises at once
        if the event is invalid; the future raises what the database refused.
        """
        return self.events.submit(NewEvent(username, feature, at, event_id))

    def track_many(self, events: Iterable[EventLike], batch_size: int = BATCH_SIZE) -> IngestResult:
        """Store many events. Report each that breaks a rule by its index, and store the others.

        Each is a NewEvent, a tuple (username, feature, at, event_id) whose last ones may be missing, or a
        dict with these keys; `feature_name` and `timestamp`, the names in files, are taken too.

        Every `batch_size` events are one transaction. Raises StoreError if the database fails: the batches
        before the failing one are stored, that one is not.
        """
        return self.events.track_many(events, batch_size)

    def preview(self) -> Preview:
        """A preview of an import: it says for batches of events what would become of them. Raises StoreError.

        It stores nothing. It remembers what it has seen, so it should not outlive its task.
        """
        validator = EventValidator(self._installation.users)
        stored = (use.feature for use in self._installation.rollups.features())
        new_features = NewFeatures(stored, self._installation.max_features)
        log, span_at = self._installation.event_log, self.events.window.span
        return Preview(validator, log, self._clock, span_at, new_features)

    def report(
        self,
        filters: Filters | None = None,
        feature: str | None = None,
        *,
        query: Query | None = None,
        **filter_by: date | str | None,
    ) -> Report:
        """How often each feature was used and, with `feature`, how often that one was used on each day.

        Instead of `filters`, the values of `Filters` can be given by name: `start`, `end`, `age_group`,
        `gender`. `query` says all of it in one value, instead of all others.

        Raises InvalidInput if a value is not allowed, or StoreError. A feature that was never tracked has a
        series without points.
        """
        if query is None:
            return self._reports.make(_query_of(_filters(filters, filter_by), feature))
        if filters is not None or feature is not None or filter_by:
            raise InvalidInput("query", "must not be combined with filters or feature")
        if not isinstance(query, Query):
            raise InvalidInput("query", f"must be Query(…), not {query!r}")
        return self._reports.make(query)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait, at most `timeout` seconds, until no submitted event is pending; return whether none is."""
        return self.events.flush(timeout)

    def close(self) -> None:
        """Store what was submitted and release the database. Idempotent."""
        self.events.close()
        self._installation.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _filters(filters: Filters | None, filter_by: dict[str, date | str | None]) -> Filters:
    if filters is None:
        return Filters(**filter_by)  # type: ignore[arg-type] # Filters validates them
    if isinstance(filters, Query):
        raise InvalidInput("filters", f"must be Filters(…), not {filters!r}: pass it as query=")
    if not isinstance(filters, Filters):
        raise InvalidInput("filters", f"must be Filters, like Filters(gender='Female'), not {filters!r:.40}")
    if filter_by:
        raise InvalidInput("filters", f"must not be combined with {', '.join(filter_by)}")
    return filters


def _query_of(filters: Filters, feature: str | None) -> Query:
    return Query(filters=filters, series_of=() if feature is None else (feature,))
