"""The forms in which a caller may give an event: a NewEvent, a tuple, a dict, a row of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vigility.core.errors import InvalidInput
from vigility.core.events.model import NewEvent

EventLike = NewEvent | Sequence[object] | Mapping[str, object]
"""An event: (username, feature, at, event_id) without the last ones, or by name."""

_FIELDS: Final = NewEvent._fields
_REQUIRED: Final = len(_FIELDS) - len(NewEvent._field_defaults)
# HTTP and files call two of them otherwise.
_NAMES: Final = {name: name for name in _FIELDS} | {"feature_name": "feature", "timestamp": "at"}
_FORMS: Final = "a NewEvent, a tuple (username, feature, at, event_id) or a dict with these keys"


def new_event(value: object) -> NewEvent:
    """The event, whose values are validated later. Raises InvalidInput if it has none of the forms."""
    if isinstance(value, NewEvent):
        return value
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()  # by name: a row of pandas begins with its index
    if isinstance(value, Mapping):
        return _named(value)
    if isinstance(value, tuple | list) and _REQUIRED <= len(value) <= len(_FIELDS):
        return NewEvent(*value)
    raise InvalidInput("event", f"must be {_FORMS}, not {_described(value)}")


def require_events(events: object) -> None:
    """Raise InvalidInput if these are not many events, but one, a text or a table."""
    if not isinstance(events, Iterable) or isinstance(events, str | bytes | bytearray | Mapping | NewEvent):
        raise InvalidInput("events", f"must be many events, each {_FORMS}, not {_described(events)}")
    if hasattr(events, "to_dict"):  # a table of pandas, which yields the names of its columns
        raise InvalidInput("events", f"must be many events, not {_described(events)}: use to_dict('records')")


def _named(given: Mapping[object, object]) -> NewEvent:
    for name in given:
        if name not in _NAMES:
            raise InvalidInput("event", f"must have no other keys than {', '.join(_NAMES)}, not {name!r:.40}")
    values = {_NAMES[str(name)]: value for name, value in given.items()}
    if len(values) < len(given):
        raise InvalidInput("event", "must not have both feature and feature_name, or at and timestamp")
    # A missing name is reported when the values are validated.
    return NewEvent(*(values.get(field) for field in _FIELDS))  # type: ignore[arg-type]


def _described(value: object) -> str:
    size = f" of {len(value)}" if isinstance(value, tuple | list) else ""
    return f"a {type(value).__name__}{size}"
