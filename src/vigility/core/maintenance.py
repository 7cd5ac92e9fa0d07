"""Use cases of those who run an installation: checking it, repairing it, deleting from it, emptying it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from datetime import date, datetime
from typing import Final, TypedDict, Unpack

from vigility.core.batch_jobs import batch_job
from vigility.core.errors import InvalidInput, UnknownUser
from vigility.core.events.model import Event
from vigility.core.events.selection import EventSelection, valid_ids, valid_span
from vigility.core.installation import Installation
from vigility.core.reports.ports import FeatureUse, RollupDifference
from vigility.core.users.lookup import find_users
from vigility.core.validators import feature_forms, valid_count, valid_feature, valid_several

# Other writers wait for one transaction that deletes: some hundredths of a second.
EVENTS_PER_STEP: Final = 2_000
# Names that one search of all events compares with.
FEATURES_PER_STEP: Final = 5_000

OnProgress = Callable[[int], None]
"""Receives how many events are done, after each durable transaction."""


class EventChoice(TypedDict, total=False):
    """Which stored events are meant: those for which everything holds that is given.

    `ids` are integer ids, or the `event_ids` (UUIDs) of their senders. `user` is a username, `feature` the
    name of a feature. `start` and `end` are UTC days, which are included as a whole, or moments with a time
    zone; each may be given as text.
    """

    ids: Iterable[int | str]
    user: str
    feature: str
    start: date | datetime | str
    end: date | datetime | str


class Maintenance:
    """Checks and repairs an installation, deletes from it, and empties it."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def verify_rollups(self) -> list[RollupDifference]:
        """Compare the rollups, which reports are read from, with the events. Empty if they agree."""
        return self._installation.rollups.verify()

    @batch_job()
    def rebuild_rollups(self) -> None:
        """Build the rollups again from the events."""
        self._installation.rollups.rebuild()

    def count_events(self, **choice: Unpack[EventChoice]) -> int:
        """How many stored events are chosen. Raises as `delete_events` does."""
        return self._installation.event_log.count(self._chosen(choice))

    def find_events(self, limit: int = 5, **choice: Unpack[EventChoice]) -> list[Event]:
        """The first `limit` chosen events, by id. Raises as `delete_events` does."""
        log = self._installation.event_log
        page = log.page(0, log.high_watermark(), valid_count("limit", limit), self._chosen(choice))
        return [Event.of(number, record) for number, record in zip(*page, strict=True)]

    @batch_job()
    def delete_events(self, *, on_progress: OnProgress | None = None, **choice: Unpack[EventChoice]) -> int:
        """Delete the chosen events that are stored now; return how many.

        Reports, rollups and the names of features are afterwards as if the events had never been stored. It
        takes many short transactions, so that other writers go on; what is deleted when it is interrupted
        stays deleted. On SQLite the ids of the newest events can be given out again.

        Raises:
            InvalidInput: nothing is chosen, or a value is not allowed.
            UnknownUser: no user has this name.
            StoreError: the database failed.
        """
        chosen = self._chosen(choice)
        return self._change_all(chosen, self._installation.event_log.delete, on_progress)

    def features(self) -> list[FeatureUse]:
        """Every stored feature: events descending, then name ascending. Raises StoreError."""
        return sorted(self._installation.rollups.features(), key=lambda use: (-use.events, use.feature))

    def find_features(self, names: Iterable[str]) -> list[FeatureUse]:
        """The stored features of these names, each once. Raises InvalidInput if one is not stored.

        A name is looked up exactly as it is and, if there is none, in the forms in which it may be stored.
        """
        stored = {use.feature: use for use in self._installation.rollups.features()}
        wanted = valid_several("names", names)
        return list(dict.fromkeys(stored[_stored_name(name, stored)] for name in wanted))

    @batch_job()
    def delete_features(self, names: Iterable[str], *, on_progress: OnProgress | None = None) -> int:
        """Delete features with all their events; return how many events.

        A feature that is still tracked comes back with its next event. Raises InvalidInput, and deletes
        nothing, if a feature is not stored; StoreError.
        """
        wanted = tuple(use.feature for use in self.find_features(names))
        done = 0
        for start in range(0, len(wanted), FEATURES_PER_STEP):
            chosen = EventSelection(features=wanted[start : start + FEATURES_PER_STEP])
            so_far = _added_to(done, on_progress)
            done += self._change_all(chosen, self._installation.event_log.delete, so_far)
        return done

    @batch_job()
    def rename_feature(
        self, old: str, new: str, *, merge: bool = False, on_progress: OnProgress | None = None
    ) -> int:
        """Give a feature another name; return how many events were moved to a feature that had it.

        That is 0 if no feature had it: then only the name changes. With `merge`, a feature that has the name
        gets the events. A sender that still uses the old name makes a new feature of it.

        Raises InvalidInput: `old` is not stored, `new` breaks the rules of a name or, without `merge`, is
        taken. Raises StoreError.
        """
        name = _valid_new_name(new)
        stored = self.find_features([old])[0].feature
        log = self._installation.event_log
        if stored == name:
            raise InvalidInput("new_name", f"must be another one than the old one, {stored!r}")
        if log.rename_feature(stored, name):
            return 0
        if not merge:
            rule = f"is the name of another feature, {name!r}: choose another one, or merge the two (--merge)"
            raise InvalidInput("new_name", rule)

        def move(ids: Sequence[int], chosen: EventSelection) -> int:
            return log.move(ids, chosen, name)

        return self._change_all(EventSelection(features=(stored,)), move, on_progress)

    def ping(self) -> None:
        """Read as little as possible from each database. Raises StoreUnavailable if one cannot be read."""
        for backend in self._installation.backends:
            backend.is_empty()

    def is_empty(self) -> bool:
        """Whether the installation holds neither users nor events."""
        return all(backend.is_empty() for backend in self._installation.backends)

    @batch_job()
    def wipe(self) -> None:
        """Delete all users, events and rollups. Each database does so in one transaction."""
        for backend in self._installation.backends:
            backend.wipe()

    def _chosen(self, choice: EventChoice) -> EventSelection:
        if unknown := choice.keys() - EventChoice.__annotations__.keys():
            # Ignored, it would leave every event chosen.
            allowed = ", ".join(EventChoice.__annotations__)
            raise InvalidInput(min(unknown), f"does not choose events; what does is {allowed}")
        if not any(value is not None for value in choice.values()):
            allowed = "at least one of ids, user, feature, start and end"
            raise InvalidInput("events", f"must be chosen by {allowed}")
        named = choice.get("ids")
        ids, event_ids = ((), ()) if named is None else valid_ids(named)
        if named is not None and not ids and not event_ids:
            raise InvalidInput("ids", "must not be empty")
        user, feature = choice.get("user"), choice.get("feature")
        return EventSelection(
            ids=ids,
            event_ids=event_ids,
            user_id=None if user is None else self._user_id(user),
            features=() if feature is None else (self.find_features([feature])[0].feature,),
            span=valid_span(choice.get("start"), choice.get("end")),
        )

    def _user_id(self, username: str) -> int:
        user = find_users(self._installation.users, [username]).get(username)
        if user is None:
            raise UnknownUser(username)
        return user.id

    def _change_all(
        self,
        chosen: EventSelection,
        change: Callable[[Sequence[int], EventSelection], int],
        on_progress: OnProgress | None,
    ) -> int:
        """Change the events that are chosen now, step by step. They are searched without any lock."""
        log = self._installation.event_log
        upto = log.high_watermark()
        after = done = 0
        while ids := log.page(after, upto, EVENTS_PER_STEP, chosen).ids:
            done += change(ids, chosen)
            after = ids[-1]
            if on_progress is not None:
                on_progress(done)
        log.drop_unused_features()
        return done


def _valid_new_name(name: str) -> str:
    try:
        return valid_feature(name)
    except InvalidInput as error:
        raise InvalidInput("new_name", error.rule) from None


def _stored_name(name: object, stored: Container[str]) -> str:
    if isinstance(name, str) and name in stored:
        return name
    found = next((form for form in feature_forms(name) if form in stored), None)
    if found is None:
        raise InvalidInput("feature_name", f"must be that of a stored feature, not {name!r}")
    return found


def _added_to(done: int, on_progress: OnProgress | None) -> OnProgress | None:
    return None if on_progress is None else lambda count: on_progress(done + count)
