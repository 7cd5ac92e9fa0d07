"""Which stored events are meant: to look at them, to delete them, or to move them to another feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vigility.core.errors import InvalidInput
from vigility.core.events.model import EventRecord
from vigility.core.times import CALENDAR, MICROS_PER_DAY, Span, day_number
from vigility.core.validators import (
    is_whole_number,
    valid_day,
    valid_event_id,
    valid_moment,
    valid_several,
)

MAX_NAMED: Final = 10_000
"""How many ids or features one selection can name: they become values of one statement."""

_DAY_LENGTH: Final = len("2026-01-31")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSelection:
    """The events for which every condition holds that is given. An empty condition is not given.

    Attributes:
        ids: one of these ids, or of these `event_ids`.
        event_ids: the same, for events that are named by their `event_id`.
        user_id: of this user.
        features: of one of these features. The names are compared exactly, so that names can be found which
            today's rules refuse.
        span: at a time in it, both ends included.
    """

    ids: tuple[int, ...] = ()
    event_ids: tuple[str, ...] = ()
    user_id: int | None = None
    features: tuple[str, ...] = ()
    span: Span = CALENDAR

    def __post_init__(self) -> None:
        for name in ("ids", "event_ids", "features"):
            if len(getattr(self, name)) > MAX_NAMED:
                raise InvalidInput(name, f"must be at most {MAX_NAMED:,} in one call")

    @property
    def is_named(self) -> bool:
        """Whether it chooses events by their ids."""
        return bool(self.ids or self.event_ids)

    def includes(self, number: int, record: EventRecord) -> bool:
        """Whether an event with this id is chosen."""
        return (
            (not self.is_named or number in self.ids or record.event_id in self.event_ids)
            and self.user_id in {None, record.user_id}
            and (not self.features or record.feature in self.features)
            and self.span.earliest <= record.at <= self.span.latest
        )


EVERY_EVENT: Final = EventSelection()


def valid_ids(values: object) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """What names single events: integer ids, and `event_ids` in their canonical form. One, or several.

    Raises InvalidInput if a value is neither.
    """
    ids: list[int] = []
    event_ids: list[str] = []
    for value in valid_several("ids", values):
        if is_whole_number(value):
            ids.append(int(str(value)))
        elif isinstance(value, str) and value.isascii() and value.isdecimal():
            ids.append(int(value))
        else:
            event_ids.append(_valid_event_id(value))
    if any(not 0 < number < 2**63 for number in ids):
        raise InvalidInput("id", "must be a whole number from 1, or a UUID")
    return tuple(ids), tuple(event_ids)


def valid_span(start: object, end: object) -> Span:
    """From `start` to `end`: each a UTC day, a moment with a time zone, the text of one, or None.

    A day is included as a whole, a moment to the microsecond. Raises InvalidInput.
    """
    earliest = CALENDAR.earliest if start is None else _first_micro("start", start)
    latest = CALENDAR.latest if end is None else _last_micro("end", end)
    return Span(earliest, latest)


def _first_micro(field: str, value: object) -> int:
    if _is_day(value):
        return day_number(valid_day(field, value)) * MICROS_PER_DAY
    return _micros(field, value)


def _last_micro(field: str, value: object) -> int:
    if _is_day(value):
        return (day_number(valid_day(field, value)) + 1) * MICROS_PER_DAY - 1
    return _micros(field, value)


def _is_day(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _DAY_LENGTH
    try:
        valid_day("day", value)
    except InvalidInput:
        return False
    return True


def _micros(field: str, value: object) -> int:
    try:
        return valid_moment(value)
    except InvalidInput as error:
        raise InvalidInput(field, f"{error.rule}, or a day like 2026-01-31") from None


def _valid_event_id(value: object) -> str:
    try:
        return valid_event_id(value)
    except InvalidInput as error:
        raise InvalidInput("id", f"must be a whole number, or{error.rule.removeprefix('must be')}") from None
