"""The application: every use case behind one object, over any store."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from vigility.core.users.accounts import Accounts
from vigility.core.users.ports import PasswordHasher
from vigility.core.sessions.rate_limit import RateLimits
from vigility.core.events.group_commit import OnDone
from vigility.core.events.model import Event, NewEvent, StoredEvent
from vigility.core.users.model import User
from vigility.core.reports.filters import Filters
from vigility.core.reports.report import Report, build_report
from vigility.core.installation import Store
from vigility.core.reports.ports import RollupDifference
from vigility.core.validators import is_username, valid_feature, valid_username
from vigility.core.sessions.revocation import Sessions
from vigility.core.times import CALENDAR, Clock, Span
from vigility.core.events.tracking import BATCH_SIZE, Importer, IngestResult, Tracker


class Vigility:
    """Feature-usage analytics over one database. Made by `vigility.connect`; a context manager.

    Users are named by their usernames throughout. Every event is durable when the call that stored
    it returns, and in every report made after it.
    """

    def __init__(self, store: Store, hasher: PasswordHasher, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tracker = Tracker(store.users, store.events, clock)
        self.accounts = Accounts(store.users, hasher, clock)
        self.sessions = Sessions(store.revoked_tokens, clock)
        self.attempts = RateLimits(store.attempts, clock)

    def register(self, username: str, password: str, age: int | str, gender: str) -> User:
        """Add a user who can log in.

        Raises:
            InvalidInput: a value breaks its rule; the error names the field and what is allowed.
            UsernameTaken: the name exists.
        """
        return self.accounts.register(username, password, age, gender)

    def authenticate(self, username: str, password: str) -> User:
        """The user of this name and password. Raises InvalidCredentials, never saying which was wrong."""
        return self.accounts.authenticate(username, password)

    def users(self) -> list[User]:
        """Every user, in the order in which they were added."""
        return list(self._store.users.all())

    def user(self, username: str) -> User | None:
        """The user of this name, or None. Raises InvalidInput where no user can have it."""
        return self._store.users.by_names([valid_username(username)]).get(username)

    def users_named(self, usernames: Collection[str]) -> dict[str, User]:
        """The users of these names, by name; names without a user are left out."""
        return self._store.users.by_names([name for name in usernames if is_username(name)])

    def track(
        self,
        username: str,
        feature: str,
        at: datetime | str | None = None,
        event_id: str | None = None,
    ) -> Event:
        """Store that a user used a feature, at a moment with a time zone (by default now).

        With an `event_id`, a UUID chosen by the caller, the call can be repeated without counting twice:
        it returns the first event.

        Raises:
            InvalidInput: a value breaks its rule; the error names the field and what is allowed.
            UnknownUser: the user is not registered.
            EventConflict: the `event_id` belongs to an event of another user or feature.
            StoreError: the store did not take it; nothing was stored.
        """
        return self.submit(username, feature, at, event_id).result().event

    def submit(
        self,
        username: str,
        feature: str,
        at: datetime | str | None = None,
        event_id: str | None = None,
    ) -> Future[StoredEvent]:
        """As `track`, without waiting: the future is done when the event is durable.

        Submitted events are stored together, many in one transaction; `flush`, `close` and the end of
        the interpreter wait for them. Raises at once what is wrong with the event; the future raises what
        the store refused.
        """
        return self._tracker.submit(NewEvent(username, feature, at, event_id))

    def enqueue(self, user: User, feature: object, event_id: object, on_done: OnDone) -> None:
        """Queue that `user`, looked up before, used a feature just now; for servers that wait otherwise.

        `deliver` is called, from another thread, with a Tracked or a VigilityError. Raises InvalidInput,
        or StoreUnavailable where the event is not even queued.
        """
        self._tracker.enqueue(user, feature, event_id, on_done)

    @property
    def queued(self) -> int:
        """How many submitted events wait for the next transaction."""
        return self._tracker.queued

    def flush(self, timeout: float | None = None) -> bool:
        """Wait, at most `timeout` seconds, until nothing submitted is pending; returns whether nothing is."""
        return self._tracker.flush(timeout)

    def track_many(self, events: Iterable[NewEvent], batch_size: int = BATCH_SIZE) -> IngestResult:
        """Store many events; report each that breaks a rule by its index, and store the others.

        Each `batch_size` events are one transaction. Raises StoreError where the store fails: the
        batches before the failing one are stored, that one is not.
        """
        return self._tracker.track_many(events, batch_size)

    def importer(self, span: Span = CALENDAR, known: Iterable[User] = ()) -> Importer:
        """Something that stores events batch by batch, for callers that do more between two batches.

        Users who are `known`, as they were looked up before, are not looked up again. Events that tell a
        time outside of `span` are rejected.
        """
        return self._tracker.importer(span, known)

    def report(self, filters: Filters | None = None, feature: str | None = None) -> Report:
        """How often each feature was used under `filters` and, with `feature`, on which days that one.

        Raises InvalidInput where `feature` cannot be the name of one; one that was never tracked has
        no days.
        """
        chosen = filters or Filters()
        counts = self._store.events.counts(chosen, None if feature is None else valid_feature(feature))
        return build_report(chosen, feature, counts, self._clock().astimezone(UTC).date())

    def verify_rollups(self) -> list[RollupDifference]:
        """Compare the day summaries, which reports are read from, with the raw events."""
        return self._store.events.verify_rollups()

    def rebuild_rollups(self) -> None:
        """Make the day summaries again from the raw events."""
        self._store.events.rebuild_rollups()

    def ping(self) -> None:
        """Read from the database, as little as can be. Raises StoreUnavailable where it cannot be read."""
        self._store.is_empty()

    def is_empty(self) -> bool:
        """Whether the database holds neither users nor events."""
        return self._store.is_empty()

    def wipe(self) -> None:
        """Delete all users, events and summaries."""
        self._store.wipe()

    def close(self) -> None:
        """Store what was submitted and release the database. Calling it again does nothing."""
        self._tracker.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
