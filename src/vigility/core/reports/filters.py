"""Filters: which events a report counts. Validated once, shared by every entry point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from vigility.core.deprecated import warn_deprecated
from vigility.core.dimensions import DIMENSIONS, AgeGroup, Gender
from vigility.core.errors import InvalidInput
from vigility.core.validators import valid_day, valid_value

ALL: Final = "All"
"""The word by which a client says that it does not filter by a dimension."""

_BY_NAME: Final = {dimension.name: dimension for dimension in DIMENSIONS}


# Without slots: Python 3.11 then raises the wrong error when a property is set (gh-91126).
@dataclass(frozen=True, init=False)
class Filters:
    """Which events a report counts: by UTC day (both included), and by dimension as of the event.

    Each filter takes its value or the text of it. None, "" and "All" mean no filter. A start after the end
    is allowed and selects nothing. `values` holds the dimensions that are filtered, with their values; given
    as an argument, it is what the other arguments leave out.

    Raises:
        InvalidInput: a value is not allowed, or there is no such dimension. It names the field and what is
            allowed.
    """

    start: date | None
    end: date | None
    values: tuple[tuple[str, str], ...]

    if TYPE_CHECKING:  # type checkers report a misspelled dimension

        def __init__(
            self,
            start: date | str | None = None,
            end: date | str | None = None,
            age_group: AgeGroup | str | None = None,
            gender: Gender | str | None = None,
            *,
            values: Iterable[tuple[str, str | None]] = (),
        ) -> None: ...

    else:

        def __init__(
            self,
            start: object = None,
            end: object = None,
            age_group: object = None,
            gender: object = None,
            *,
            values: Iterable[tuple[str, object]] = (),
            **others: object,
        ) -> None:
            named = {"age_group": age_group, "gender": gender, **others}
            given = dict(values) | {name: value for name, value in named.items() if value is not None}
            # A frozen dataclass sets its own fields this way too.
            fill = object.__setattr__
            fill(self, "start", None if _is_all(start) else valid_day("start", start))
            fill(self, "end", None if _is_all(end) else valid_day("end", end))
            fill(self, "values", _valid_values(given))

    @property
    def age_group(self) -> AgeGroup | None:
        """The age group that is selected, or None."""
        value = dict(self.values).get("age_group")
        return None if value is None else AgeGroup(value)

    @property
    def gender(self) -> Gender | None:
        """The gender that is selected, or None."""
        value = dict(self.values).get("gender")
        return None if value is None else Gender(value)

    def in_words(self) -> str:
        """Deprecated: see `describe`."""
        warn_deprecated("Filters.in_words()", "Filters.describe()")
        return self.describe()

    def describe(self) -> str:
        """The filters as a person says them: "Female, under 18, from 1 Jan 2026"."""
        # The last dimension first: "Female, under 18".
        phrases = [_BY_NAME[name].phrase(value) for name, value in reversed(self.values)]
        days = _describe_days(self.start, self.end)
        return ", ".join([*phrases, days] if days else phrases) or "all users, all days"


def _valid_values(given: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    if unknown := given.keys() - _BY_NAME.keys():
        raise InvalidInput(
            min(unknown), f"is not a filter; the filters are start, end, {', '.join(_BY_NAME)}"
        )
    return tuple(
        (name, valid_value(dimension, given[name]))
        for name, dimension in _BY_NAME.items()
        if not _is_all(given.get(name))
    )


def _describe_days(start: date | None, end: date | None) -> str | None:
    if start and end:
        if start == end:
            return f"on {_describe_day(start)}"
        return f"{_describe_day(start)} to {_describe_day(end)}"
    if start:
        return f"from {_describe_day(start)}"
    return f"until {_describe_day(end)}" if end else None


def _is_all(value: object) -> bool:
    return value is None or (isinstance(value, str) and value in {"", ALL})


# Not strftime: its month names follow the locale, and %Y of the year 900 differs by platform.
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _describe_day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
