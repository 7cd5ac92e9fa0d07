"""What is allowed: one function for each rule, used by every entry point.

Each takes whatever came in and returns the value in its one canonical form, or raises `InvalidInput`, which
names the field and what is allowed. The rules are those of the HTTP contract.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from vigility.core.dimensions import GENDER, Dimension, Gender
from vigility.core.errors import InvalidInput
from vigility.core.times import CALENDAR, Span, from_micros, to_micros

MIN_AGE: Final = 1
MAX_AGE: Final = 120
MAX_USERNAME_LENGTH: Final = 64
MAX_FEATURE_LENGTH: Final = 100
MIN_PASSWORD_LENGTH: Final = 8
MAX_PASSWORD_LENGTH: Final = 128

# Control characters, lone surrogates (they have no UTF-8 form) and line or paragraph separators: none of
# them can be shown in one line of a table, a chart or a log.
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_AGE: Final = re.compile(r"[1-9][0-9]{0,2}")
# date.fromisoformat alone would also accept 20260131 and 2026-W05-6.
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MAX_SHOWN: Final = 40


def valid_username(value: object) -> str:
    """A username: 1 to 64 characters, no control characters, no space at its ends."""
    return _valid_name("username", value, MAX_USERNAME_LENGTH)


def is_username(value: object) -> bool:
    """Whether a user can have this name."""
    try:
        valid_username(value)
    except InvalidInput:
        return False
    return True


def valid_feature(value: object) -> str:
    """A feature name: 1 to 100 characters, no control characters, no space at its ends."""
    return _valid_name("feature_name", value, MAX_FEATURE_LENGTH)


def valid_password(value: object) -> str:
    """A password: 8 to 128 characters of any script. The error never repeats it."""
    allowed = f"must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters"
    if not isinstance(value, str) or not MIN_PASSWORD_LENGTH <= len(value) <= MAX_PASSWORD_LENGTH:
        raise InvalidInput("password", allowed)
    if any(unicodedata.category(character) == "Cs" for character in value):
        raise InvalidInput("password", f"{allowed}, each a valid Unicode character")
    return value


def valid_age(value: object) -> int:
    """An age in whole years from 1 to 120, as a number or as its decimal text."""
    age = value
    if isinstance(value, str) and _AGE.fullmatch(value):
        age = int(value)
    if isinstance(age, bool) or not isinstance(age, int) or not MIN_AGE <= age <= MAX_AGE:
        raise InvalidInput("age", f"must be a whole number from {MIN_AGE} to {MAX_AGE}{_not(value)}")
    return age


def valid_gender(value: object) -> Gender:
    """One of the genders, spelled as in the enumeration."""
    return Gender(valid_choice("gender", value, GENDER.values))


def valid_value(dimension: Dimension, value: object) -> str:
    """One of the values of a dimension, spelled as in its declaration."""
    return valid_choice(dimension.name, value, dimension.values)


def valid_choice(field: str, value: object, allowed: Sequence[str]) -> str:
    """One of a few texts, spelled exactly so."""
    text = str(value)
    if text in allowed:
        return text
    raise InvalidInput(field, f"must be one of {', '.join(allowed)}{_not(value)}")


def valid_day(field: str, value: object) -> date:
    """A calendar day: a date, or text of the form YYYY-MM-DD."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:  # the form is right, but there is no such day
        pass
    raise InvalidInput(field, f"must be a day of the calendar as YYYY-MM-DD, like 2026-01-31{_not(value)}")


def valid_moment(value: object, span: Span = CALENDAR) -> int:
    """A moment with a time zone, within `span`: a datetime or ISO 8601 text.

    Returns microseconds since the epoch.
    """
    try:
        micros = to_micros(datetime.fromisoformat(value) if isinstance(value, str) else value)  # type: ignore[arg-type]
    except (ValueError, TypeError):  # another form, no moment at all, or a moment without a time zone
        micros = None
    # A time zone can push the first and last hours of the calendar over its edge.
    if micros is None or not CALENDAR.earliest <= micros <= CALENDAR.latest:
        example = "2026-01-31T12:00:00Z"
        raise InvalidInput("timestamp", f"must be an ISO 8601 time with a zone, like {example}{_not(value)}")
    if not span.earliest <= micros <= span.latest:
        edges = " and ".join(from_micros(edge).isoformat(timespec="seconds") for edge in span)
        raise InvalidInput("timestamp", f"must lie between {edges}{_not(value)}")
    return micros


def valid_event_id(value: object) -> str:
    """A UUID as text. Returns its canonical form: 36 characters, lower case."""
    try:
        if isinstance(value, str):
            return str(uuid.UUID(value))
    except ValueError:
        pass
    example = "123e4567-e89b-42d3-a456-426614174000"
    raise InvalidInput("event_id", f"must be a UUID like {example}{_not(value)}")


def _valid_name(field: str, value: object, longest: int) -> str:
    if value is None or value == "":
        raise InvalidInput(field, "is required")
    if not isinstance(value, str):
        raise InvalidInput(field, f"must be text{_not(value)}")
    if len(value) > longest:
        raise InvalidInput(field, f"must have at most {longest} characters, not {len(value)}")
    if not value.isprintable() and any(unicodedata.category(c) in _UNPRINTABLE for c in value):
        raise InvalidInput(field, f"must not hold control characters{_not(value)}")
    if value != value.strip():
        raise InvalidInput(field, f"must not be blank, nor begin or end with a space{_not(value)}")
    return value


def _not(value: object) -> str:
    """What came instead, cut short and with control characters escaped."""
    shown = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return f", not {shown if len(shown) <= _MAX_SHOWN else shown[: _MAX_SHOWN - 1] + '…'}"
