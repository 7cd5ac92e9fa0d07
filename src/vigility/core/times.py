"""Times as databases store them: whole microseconds and whole days since 1970-01-01 UTC.

Integers mean the same in every database, compare fast, and carry no time zone that could get lost.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

Clock = Callable[[], datetime]
"""Returns the present moment, with a time zone."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROS_PER_SECOND: Final = 1_000_000
MICROS_PER_DAY: Final = 86_400 * MICROS_PER_SECOND

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


def to_micros(moment: datetime) -> int:
    """Microseconds from the epoch to `moment`, which has a time zone. Exact; negative before the epoch."""
    since = moment - EPOCH
    return since.days * MICROS_PER_DAY + since.seconds * MICROS_PER_SECOND + since.microseconds


def from_micros(micros: int) -> datetime:
    """The moment, in UTC, that is `micros` microseconds after the epoch."""
    return EPOCH + timedelta(microseconds=micros)


def day_number(day: date) -> int:
    """Days from 1970-01-01 to `day`; negative before it."""
    return day.toordinal() - _EPOCH_ORDINAL


def day_from_number(number: int) -> date:
    """The day that is `number` days after 1970-01-01."""
    return date.fromordinal(number + _EPOCH_ORDINAL)


class Span(NamedTuple):
    """From `earliest` to `latest`, both included, in microseconds since the epoch."""

    earliest: int
    latest: int


CALENDAR: Final = Span(
    to_micros(datetime.min.replace(tzinfo=UTC)), to_micros(datetime.max.replace(tzinfo=UTC))
)
"""All of the calendar: the years 1 to 9999, in UTC."""
