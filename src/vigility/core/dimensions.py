"""The dimensions by which events are counted and filtered: each is declared once, as data.

`DIMENSIONS` is the list that everything else goes by: filters, rollup tables, SQL and the parameters of
HTTP. To add a dimension, add an entry to it and write the migration of the rollup table (CONTRIBUTING.md has
the steps).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal, Self


class Gender(StrEnum):
    """The gender that a user gave."""

    MALE = "Male"
    FEMALE = "Female"
    OTHER = "Other"


class AgeGroup(StrEnum):
    """Age groups of reports: under 18, 18 to 40 (both included), over 40."""

    UNDER_18 = "<18"
    FROM_18_TO_40 = "18-40"
    OVER_40 = ">40"

    @classmethod
    def of(cls, age: int) -> Self:
        """The group of `age`, in whole years."""
        return cls(AGE_GROUP.value_of(age))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """A property of events that reports can be filtered and grouped by.

    Attributes:
        name: its name in filters and queries, and its column in rollup tables.
        source: the column of a stored event that it is derived from.
        values: every value that it can have, as text.
        bounds: None if `source` holds the value itself. Otherwise `source` is a number, and
            `bounds[n]` is the lowest number that no longer has `values[n]`.
        phrases: how a person says each of the values, parallel to `values`.
    """

    name: str
    source: Literal["age", "gender"]
    values: tuple[str, ...]
    phrases: tuple[str, ...]
    bounds: tuple[int, ...] | None = None

    def value_of(self, source: Any) -> str:  # noqa: ANN401 - a number or a text, as the source is
        """The value of an event whose source column holds `source`."""
        return source if self.bounds is None else self.values[bisect_right(self.bounds, source)]

    def phrase(self, value: str) -> str:
        """A value as a person says it: "aged 18 to 40"."""
        return self.phrases[self.values.index(value)]


AGE_GROUP: Final = Dimension(
    name="age_group",
    source="age",
    values=tuple(map(str, AgeGroup)),
    phrases=("under 18", "aged 18 to 40", "over 40"),
    bounds=(18, 41),
)
_GENDERS: Final = tuple(map(str, Gender))
GENDER: Final = Dimension(name="gender", source="gender", values=_GENDERS, phrases=_GENDERS)

DIMENSIONS: Final = (AGE_GROUP, GENDER)
"""Every dimension, in the order of the key of the rollup tables."""
