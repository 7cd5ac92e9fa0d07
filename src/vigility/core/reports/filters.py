"""Filters: what a report looks at. Made and checked once, shared by every face."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from vigility.core.dimensions import AgeGroup, Gender
from vigility.core.validators import valid_age_group, valid_day, valid_gender

ALL: Final = "All"
"""The word by which a client says that it does not filter by a dimension."""

_AGES_IN_WORDS: Final = {
    AgeGroup.UNDER_18: "under 18",
    AgeGroup.FROM_18_TO_40: "aged 18 to 40",
    AgeGroup.OVER_40: "over 40",
}


@dataclass(frozen=True, slots=True, init=False)
class Filters:
    """Which events a report counts: UTC days (both included), age group and gender as of the event.

    Each filter takes its value or the text of it; None, "" and "All" mean no filter. A start after
    the end is allowed and selects nothing.

    Raises:
        InvalidInput: a value is none of those allowed; it names the field and what is.
    """

    start: date | None
    end: date | None
    age_group: AgeGroup | None
    gender: Gender | None

    def __init__(
        self,
        start: date | str | None = None,
        end: date | str | None = None,
        age_group: AgeGroup | str | None = None,
        gender: Gender | str | None = None,
    ) -> None:
        # A frozen dataclass sets its own fields this way too.
        fill = object.__setattr__
        fill(self, "start", None if _is_all(start) else valid_day("start", start))
        fill(self, "end", None if _is_all(end) else valid_day("end", end))
        fill(self, "age_group", None if _is_all(age_group) else valid_age_group(age_group))
        fill(self, "gender", None if _is_all(gender) else valid_gender(gender))

    def describe(self) -> str:
        """The filters as a person would say them: "Female, under 18, from 1 Jan 2026"."""
        said = [
            self.gender.value if self.gender else None,
            _AGES_IN_WORDS[self.age_group] if self.age_group else None,
            self._days_in_words(),
        ]
        return ", ".join(part for part in said if part) or "all users, all days"

    def _days_in_words(self) -> str | None:
        if self.start and self.end:
            if self.start == self.end:
                return f"on {_in_words(self.start)}"
            return f"{_in_words(self.start)} to {_in_words(self.end)}"
        if self.start:
            return f"from {_in_words(self.start)}"
        return f"until {_in_words(self.end)}" if self.end else None


def _is_all(value: object) -> bool:
    return value is None or value in ("", ALL)


# Not strftime: its names of months follow the locale, and %Y of the year 900 differs by platform.
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _in_words(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
