"""What one store hands another: pages of events under their ids, and figures by which two are compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from vigility.core.dimensions import AgeGroup, Gender
from vigility.core.events.model import EventRecord

VALUES: Final = 1_000_003
"""The checksum takes an event's values modulo this prime: a sum over 9,000,000,000 events fits 64 bits."""

PLACES: Final = 1_021
"""And weighs them by the event's id modulo this one, so that values which changed places are noticed."""


class EventPage(NamedTuple):
    """Events as a store keeps them, ids ascending: the id of `records[n]` is `ids[n]`."""

    ids: Sequence[int]
    records: Sequence[EventRecord]


class Checksum(NamedTuple):
    """What all events up to an id come to. Two stores that hold the same events have the same tally."""

    events: int = 0
    newest: int = 0
    """The highest id; 0 where there is no event."""

    with_event_id: int = 0
    checksum: int = 0
    """The sum of every event's `checked`: user, time and age, at its id."""


class RollupKey(NamedTuple):
    """What a day summary counts."""

    feature: str
    day: date
    age_group: AgeGroup
    gender: Gender


def checked(number: int, record: EventRecord) -> int:
    """What one event adds to the checksum of a tally. Stores that can sum do the same in their language."""
    return (record.at % VALUES + record.user_id + record.age) % VALUES * (number % PLACES + 1)
