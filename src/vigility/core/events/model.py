"""Users, events and the two dimensions that a report can be filtered by."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self

from vigility.core.times import from_micros


class Gender(StrEnum):
    """The gender that a user gave."""

    MALE = "Male"
    FEMALE = "Female"
    OTHER = "Other"


class AgeGroup(StrEnum):
    """Ages as reports group them: under 18, 18 to 40 (both included), over 40."""

    UNDER_18 = "<18"
    FROM_18_TO_40 = "18-40"
    OVER_40 = ">40"

    @classmethod
    def of(cls, age: int) -> Self:
        """The group that `age`, in whole years, falls in."""
        if age < YOUNGEST_ADULT:
            return cls("<18")
        return cls("18-40") if age <= OLDEST_OF_MIDDLE_GROUP else cls(">40")


YOUNGEST_ADULT = 18
OLDEST_OF_MIDDLE_GROUP = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user about to be stored; every value has passed its rule.

    Without a `password_hash` the user can be tracked but cannot log in.
    """

    username: str
    age: int
    gender: Gender
    created: datetime
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class User(NewUser):
    """A registered user. `age` is in whole years, `created` in UTC."""

    id: int


class NewEvent(NamedTuple):
    """One use of a feature, as its sender tells it.

    `at` is a datetime with a time zone or ISO 8601 text with one; None means now. `event_id` is a
    UUID that the sender chose: however often an event is sent with the same one, it counts once.
    Events without an `event_id` are never merged, however alike they are.
    """

    username: str
    feature: str
    at: datetime | str | None = None
    event_id: str | None = None


class EventRecord(NamedTuple):
    """One event on its way into a store; every value has passed its rule.

    `at` is in microseconds since the epoch, `age` and `gender` are the user's as of the event.
    A tuple of plain values, because each event of a bulk import becomes one: `gender` is the text of a
    Gender, which a driver binds and a counter hashes several times faster than the enumeration.
    """

    user_id: int
    feature: str
    at: int
    age: int
    gender: str
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A stored event: who used what and when (UTC), with the user's age and gender as of then."""

    id: int
    user_id: int
    feature: str
    at: datetime
    age: int
    gender: Gender
    event_id: str | None = None

    @classmethod
    def of(cls, number: int, record: EventRecord) -> Self:
        """The event that a store made of `record`, under its id."""
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
    """One event as it is stored, and whether this call found it stored already under its `event_id`."""

    id: int
    record: EventRecord
    repeated: bool

    @property
    def event(self) -> Event:
        """The event, made of its id and record when it is asked for: a busy server never does."""
        return Event.of(self.id, self.record)
