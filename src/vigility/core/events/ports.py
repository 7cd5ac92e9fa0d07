"""What the core asks of whatever takes events in, and of whatever keeps them.

The Protocols are structural: an implementation need not import them. It is right when it passes
`tests/adapters`, which compare it with the in-memory one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vigility.core.errors import VigilityError
from vigility.core.events.export import Checksum, EventPage
from vigility.core.events.model import EventRecord, StoredEvent
from vigility.core.events.selection import EVERY_EVENT, EventSelection

Outcome = StoredEvent | VigilityError
OnDone = Callable[[Outcome], None]
"""Receives what became of one record. Called from another thread; must not block or raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertResult:
    """What became of the records of one `EventSink.add`, by their index in it.

    `ids` holds for each record the id of the event that now stands for it, or None if the sink gives no ids
    or refused the record.
    `duplicates` are the records whose `event_id` was stored earlier (or came earlier in the same call) for
    the same user and feature; `conflicts` are those of the same user and another feature. Both map to that
    first record, and neither stored anything. `refused` are those with the name of a new feature for which
    there was no room left, each with its error. Every other record was stored.
    """

    ids: Sequence[int | None]
    duplicates: Mapping[int, EventRecord] = field(default_factory=dict)
    conflicts: Mapping[int, EventRecord] = field(default_factory=dict)
    refused: Mapping[int, VigilityError] = field(default_factory=dict)


class EventSink(Protocol):
    """Takes events in: an SQL database, a stream, or a group commit around one of them."""

    @property
    def assigns_ids(self) -> bool:
        """Whether `add` gives each event an integer id.

        A sink that only queues events, as a stream does, has none to give. Its events are named by their
        `event_id`, so every record that it gets has one.
        """
        ...

    def add(self, records: Sequence[EventRecord]) -> InsertResult:
        """Make the records durable, all in one step or none, together with what reports are read from.

        Raises UserGone if the user of a record is no longer stored, and StoreError.
        """
        ...


class EventQueue(EventSink, Protocol):
    """A sink that also takes single records, stores many of them together and reports on each."""

    @property
    def queued(self) -> int:
        """How many submitted records wait to be stored."""
        ...

    def submit(self, record: EventRecord, on_done: OnDone) -> None:
        """Queue `record`. `on_done` is called once, when it is durable or when it cannot be stored.

        Raises StoreUnavailable if it was not even queued.
        """
        ...

    def flush(self, timeout: float | None = None) -> bool:
        """Wait, at most `timeout` seconds, until nothing is pending; return whether nothing is."""
        ...

    def close(self, timeout: float | None = None) -> bool:
        """Take no more records and store those that wait; return whether all are stored."""
        ...


class EventLog(Protocol):
    """Reads, writes and deletes events by their ids: to copy, to export and to correct them."""

    def high_watermark(self) -> int:
        """Highest id at or below which no further event can appear; 0 if there are no events.

        If ids are given out before transactions end, this waits for the transactions that run now. Raises
        StoreUnavailable if they do not end.
        """
        ...

    def page(self, after: int, upto: int, limit: int, chosen: EventSelection = EVERY_EVENT) -> EventPage:
        """The first `limit` chosen events whose ids are above `after` and at most `upto`."""
        ...

    def count(self, chosen: EventSelection) -> int:
        """How many events are chosen."""
        ...

    def delete(self, ids: Sequence[int], chosen: EventSelection) -> int:
        """Delete those of `ids` that are chosen, and take them out of the rollups; return how many.

        In one durable transaction, which is short: `ids` should be few thousands.
        """
        ...

    def move(self, ids: Sequence[int], chosen: EventSelection, feature: str) -> int:
        """Make those of `ids` that are chosen events of a stored feature; return how many.

        In one durable transaction, with the rollups, as `delete`. Moves none if the feature is not stored.
        """
        ...

    def rename_feature(self, old: str, new: str) -> bool:
        """Give a feature a name that none has; return whether it was done: `old` is stored, `new` is not."""
        ...

    def drop_unused_features(self) -> int:
        """Forget the names of features without events; return how many."""
        ...

    def insert_with_ids(self, page: EventPage) -> None:
        """Store events under the ids they already have, and count them, in one durable transaction.

        Later ids are higher. Raises StoreError, and stores nothing, if an id or a user's `event_id` is taken;
        UserGone if a user does not exist.
        """
        ...

    def checksum(self, upto: int) -> Checksum:
        """The checksum of the events whose ids are at most `upto`. Reads each of them once."""
        ...
