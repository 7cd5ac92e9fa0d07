"""Events as one database hands them to another: pages under their ids, and checksums to compare by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from vigility.core.events.model import EventRecord

VALUE_MODULUS: Final = 1_000_003
"""The checksum takes an event's values modulo this prime: a sum over 9,000,000,000 events fits in 64 bits."""

WEIGHT_MODULUS: Final = 1_021
"""It weighs them by the event's id modulo this prime, so that it notices values that changed places."""


class EventPage(NamedTuple):
    """Stored events, ids ascending: the id of `records[n]` is `ids[n]`."""

    ids: Sequence[int]
    records: Sequence[EventRecord]


class Checksum(NamedTuple):
    """What identifies all events up to an id: two databases with the same events have the same checksum."""

    events: int = 0
    newest: int = 0
    """The highest id; 0 if there is no event."""

    with_event_id: int = 0
    weighted_sum: int = 0
    """The sum of `event_checksum` over the events: user, time and age, at the event's id."""


def event_checksum(number: int, record: EventRecord) -> int:
    """What one event adds to a checksum. SQL databases compute the same in their own language."""
    value = (record.at % VALUE_MODULUS + record.user_id + record.age) % VALUE_MODULUS
    return value * (number % WEIGHT_MODULUS + 1)
