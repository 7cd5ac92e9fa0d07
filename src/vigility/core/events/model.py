"""Events: as senders give them, on their way to storage, and stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from vigility.core.dimensions import Gender
from vigility.core.times import from_micros


class NewEvent(NamedTuple):
    """One use of a feature, as its sender gives it.

    `at` is a datetime with a time zone or ISO 8601 text with one; None means now. `event_id` is a UUID that
    the sender chose: an event of a user counts once however often it is sent with the same `event_id`.
    Events without an `event_id` are never merged, however alike they are.
    """

    username: str
    feature: str
    at: datetime | str | None = None
    event_id: UUID | str | None = None


class EventRecord(NamedTuple):
    """One event on its way to storage; every value has been validated.

    `at` is in microseconds since the epoch. `age` and `gender` are the user's at the time of the event. It
    is a tuple of plain values because each event of a bulk import becomes one: `gender` is the text of a
    Gender, which drivers bind and counters hash several times faster than the enumeration.
    """

    user_id: int
    feature: str
    at: int
    age: int
    gender: str
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A stored event: who used which feature and when (UTC), with the user's age and gender at that time.

    `id` is None if the event is only queued, in a stream: its name is then `event_id`.
    """

    id: int | None
    user_id: int
    feature: str
    at: datetime
    age: int
    gender: Gender
    event_id: str | None = None

    @classmethod
    def of(cls, number: int | None, record: EventRecord) -> Self:
        """The event that storage made of `record`, under its id."""
        return cls(
            id=number,
            user_id=record.user_id,
            feature=record.feature,
            at=from_micros(record.at),
            age=record.age,
            gender=Gender(record.gender),
            event_id=record.event_id,
        )


class StoredEvent(NamedTuple):
    """One event as it is stored, and whether it was stored earlier under the same `event_id`.

    `id` is None if the event is only queued, in a stream: its name is then `record.event_id`.
    """

    id: int | None
    record: EventRecord
    repeated: bool

    @property
    def event(self) -> Event:
        """The event. It is built on request, because a busy server never asks for it."""
        return Event.of(self.id, self.record)
