"""What is allowed: one function for each rule, used by every entry point.

Each takes whatever came in and returns the value in its one canonical form, or raises `InvalidInput`, which
names the field and what is allowed. The rules are those of the HTTP contract.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from numbers import Integral
from typing import Final

from vigility.core.dimensions import GENDER, Dimension, Gender
from vigility.core.errors import InvalidInput, OutsideWindow
from vigility.core.invisible_characters import first_invisible
from vigility.core.times import CALENDAR, Span, from_micros, to_micros

MIN_AGE: Final = 1
MAX_AGE: Final = 120
MAX_USERNAME_LENGTH: Final = 64
MAX_FEATURE_LENGTH: Final = 100
MIN_PASSWORD_LENGTH: Final = 8
MAX_PASSWORD_LENGTH: Final = 128
MAX_PASSWORD_HASH_LENGTH: Final = 60
"""The length of bcrypt's hashes, for which the databases have room."""

# Control characters, lone surrogates (they have no UTF-8 form) and line or paragraph separators: none of
# them can be shown in one line of a table, a chart or a log.
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_AGE: Final = re.compile(r"[1-9][0-9]{0,2}")
# date.fromisoformat alone would also accept 20260131 and 2026-W05-6.
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MAX_SHOWN: Final = 40
_DAY_LENGTH: Final = len("2026-01-31")
# No composed character has more parts. Text that is longer than this times the limit is not composed: that
# would take the square of its length.
_MAX_PARTS: Final = 4


def valid_username(value: object) -> str:
    """A username, composed (NFC): 1 to 64 visible characters, no space at its ends."""
    return _valid_name("username", value, MAX_USERNAME_LENGTH)


def valid_feature(value: object) -> str:
    """A feature name, composed (NFC): 1 to 100 visible characters, no space at its ends."""
    return _valid_name("feature_name", value, MAX_FEATURE_LENGTH)


def username_forms(value: object) -> tuple[str, ...]:
    """The names under which this user may be stored, best first; none if no user can have this name."""
    return _stored_forms(value, MAX_USERNAME_LENGTH)


def feature_forms(value: object) -> tuple[str, ...]:
    """The names under which this feature may be stored, best first. Raises InvalidInput if it cannot be.

    Features that were stored before names were composed, or with invisible characters, can still be read.
    """
    return _stored_forms(value, MAX_FEATURE_LENGTH) or (valid_feature(value),)


def sign_in_name(value: object) -> str:
    """The one form of a name that is typed to sign in, by which attempts are counted.

    It is composed and has no spaces at its ends. What is no text has an empty one.
    """
    return _composed(value, MAX_USERNAME_LENGTH).strip() if isinstance(value, str) else ""


def valid_password(value: object) -> str:
    """A password, composed (NFC): 8 to 128 characters of any script. The error never repeats it."""
    allowed = f"must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters"
    password = _composed(value, MAX_PASSWORD_LENGTH) if isinstance(value, str) else ""
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise InvalidInput("password", allowed)
    if _holds(password, {"Cs"}):
        raise InvalidInput("password", f"{allowed}, each a valid Unicode character")
    return password


def valid_password_hash(value: object) -> str:
    """What a hasher made of a password: at most 60 characters. The error never repeats it."""
    if isinstance(value, str) and len(value) <= MAX_PASSWORD_HASH_LENGTH and not _holds(value, {"Cc", "Cs"}):
        return value
    found = f"{len(value)}" if isinstance(value, str) else type(value).__name__
    allowed = f"at most {MAX_PASSWORD_HASH_LENGTH} characters, without control characters"
    raise InvalidInput("hasher", f"must make hashes that are texts of {allowed}, not {found}")


def password_forms(value: object) -> tuple[str, ...]:
    """What to verify a typed password as: composed, and as it was typed if that differs.

    Hashes that were made before passwords were composed are of the text as it was typed.
    """
    if not isinstance(value, str) or len(value) > MAX_PASSWORD_LENGTH * _MAX_PARTS or _holds(value, {"Cs"}):
        return ()
    forms = dict.fromkeys((_composed(value, MAX_PASSWORD_LENGTH), str.__str__(value)))
    return tuple(form for form in forms if MIN_PASSWORD_LENGTH <= len(form) <= MAX_PASSWORD_LENGTH)


def valid_age(value: object) -> int:
    """An age in whole years from 1 to 120, as a number (also of numpy) or as its decimal text."""
    if is_whole_number(value) or (isinstance(value, str) and _AGE.fullmatch(value)):
        age = int(str(value))
        if MIN_AGE <= age <= MAX_AGE:
            return age
    raise InvalidInput("age", f"must be a whole number from {MIN_AGE} to {MAX_AGE}{_not(value)}")


def valid_count(field: str, value: object, highest: int | None = None) -> int:
    """A whole number from 1, at most `highest`; also of numpy."""
    if is_whole_number(value):
        number = int(str(value))
        if number >= 1 and (highest is None or number <= highest):
            return number
    upto = "" if highest is None else f" to {highest:,}"
    raise InvalidInput(field, f"must be a whole number from 1{upto}{_not(value)}")


def is_whole_number(value: object) -> bool:
    """Whether it is an integer of Python or of numpy. A bool is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def valid_several(field: str, value: object) -> tuple[object, ...]:
    """Each of several values, in a list or the like; a text, a number or a UUID alone is one of them."""
    if isinstance(value, str | Integral | uuid.UUID):
        return (value,)
    if not isinstance(value, Iterable) or isinstance(value, bytes | bytearray | Mapping):
        raise InvalidInput(field, f"must be one value or a list of them{_not(value)}")
    return tuple(value)


def valid_gender(value: object) -> Gender:
    """One of the genders, spelled as in the enumeration."""
    return Gender(valid_choice("gender", value, GENDER.values))


def valid_value(dimension: Dimension, value: object) -> str:
    """One of the values of a dimension, spelled as in its declaration."""
    return valid_choice(dimension.name, value, dimension.values)


def valid_choice(field: str, value: object, allowed: Sequence[str]) -> str:
    """One of a few texts, spelled exactly so."""
    text = str.__str__(value) if isinstance(value, str) else str(value)
    if text in allowed:
        return text
    raise InvalidInput(field, f"must be one of {', '.join(allowed)}{_not(value)}")


def valid_day(field: str, value: object) -> date:
    """A calendar day: a date, or text of the form YYYY-MM-DD.

    Midnight without a time zone is its day: pandas has no other form for days.
    """
    if type(value) is date:
        return value
    try:
        if isinstance(value, str):
            if _DAY.fullmatch(value):
                return date.fromisoformat(value)
        elif isinstance(day := _plain(value), date) and (not isinstance(day, datetime) or _is_midnight(day)):
            return date.fromisoformat(day.isoformat()[:_DAY_LENGTH])
    except ValueError:  # the form is right, but there is no such day; or it is NaT of pandas
        pass
    raise InvalidInput(field, f"must be a day of the calendar as YYYY-MM-DD, like 2026-01-31{_not(value)}")


def valid_moment(value: object, span: Span = CALENDAR) -> int:
    """A moment with a time zone, within `span`: a datetime or ISO 8601 text.

    Returns microseconds since the epoch.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        # numpy's times have no zone, and its subtraction would ignore ours.
        micros = to_micros(moment) if isinstance(moment, datetime) else None
    except (ValueError, TypeError):  # another form, or a moment without a time zone
        micros = None
    # A time zone can push the first and last hours of the calendar over its edge. (NaT of pandas is a
    # datetime whose number is not equal to itself.)
    if micros is None or not CALENDAR.earliest <= micros <= CALENDAR.latest:
        example = "2026-01-31T12:00:00Z"
        raise InvalidInput("timestamp", f"must be an ISO 8601 time with a zone, like {example}{_not(value)}")
    if not span.earliest <= micros <= span.latest:
        edges = " and ".join(from_micros(edge).isoformat(timespec="seconds") for edge in span)
        too_old = micros < span.earliest
        raise OutsideWindow("timestamp", f"must lie between {edges}{_not(value)}", too_old=too_old)
    return micros


def valid_event_id(value: object) -> str:
    """A UUID, or its text. Returns its canonical text: 36 characters, lower case."""
    if isinstance(value, uuid.UUID):
        return str(value)
    try:
        if isinstance(value, str):
            return str(uuid.UUID(value))
    except ValueError:
        pass
    example = "123e4567-e89b-42d3-a456-426614174000"
    raise InvalidInput("event_id", f"must be a UUID like {example}{_not(value)}")


def _valid_name(field: str, value: object, longest: int) -> str:
    if type(value) is str and _is_plain(value, longest):
        return value
    name = _composed(_text(field, value), longest)
    if len(name) > longest:
        raise InvalidInput(field, f"must have at most {longest} characters, not {len(name)}")
    if _holds(name, _UNPRINTABLE):
        raise InvalidInput(field, f"must not hold control characters{_not(value)}")
    if not name.isascii() and (hidden := first_invisible(name)):
        found = f"U+{ord(hidden):04X}"
        raise InvalidInput(field, f"must not hold invisible characters like {found}{_not(value)}")
    if name != name.strip():
        raise InvalidInput(field, f"must not be blank, nor begin or end with a space{_not(value)}")
    return name


def _is_plain(value: str, longest: int) -> bool:
    """Whether it is a valid name of ASCII, as most are: each event over HTTP has one."""
    return (
        value.isascii()
        and value.isprintable()
        and 0 < len(value) <= longest
        and value[0] != " " != value[-1]  # the only space that is ASCII and printable
    )


def _text(field: str, value: object) -> str:
    if value is None or (isinstance(value, str) and not value):
        raise InvalidInput(field, "is required")
    if not isinstance(value, str):
        raise InvalidInput(field, f"must be text{_not(value)}")
    return value


def _stored_forms(value: object, longest: int) -> tuple[str, ...]:
    """The text as it is, composed and decomposed, as far as they differ. None if it cannot be stored."""
    if type(value) is str and _is_plain(value, longest):
        return (value,)
    if not isinstance(value, str) or not 1 <= len(value) <= longest * _MAX_PARTS:
        return ()
    text = str.__str__(value)
    if text != text.strip() or _holds(text, _UNPRINTABLE):
        return ()
    forms = dict.fromkeys((text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))))
    return tuple(form for form in forms if len(form) <= longest)


def _composed(value: str, longest: int) -> str:
    """The text in NFC, so that a letter with an accent has one form, and as plain `str`."""
    text = str.__str__(value)  # str() would call what a subclass makes of it
    if text.isascii() or len(text) > longest * _MAX_PARTS:
        return text
    return unicodedata.normalize("NFC", text)


def _holds(text: str, categories: Container[str]) -> bool:
    return not text.isprintable() and any(unicodedata.category(c) in categories for c in text)


def _plain(value: object) -> object:
    """The value of Python that a scalar of numpy is, as a day of `datetime64`. Raises ValueError."""
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def _is_midnight(moment: datetime) -> bool:
    return moment.tzinfo is None and moment.time() == time.min


def _not(value: object) -> str:
    """What came instead, cut short and with control and invisible characters escaped."""
    hidden = isinstance(value, str) and not (value.isprintable() and first_invisible(value) is None)
    shown = ascii(value) if hidden else repr(value)
    return f", not {shown if len(shown) <= _MAX_SHOWN else shown[: _MAX_SHOWN - 1] + '…'}"
