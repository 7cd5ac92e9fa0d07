"""What the core asks of whatever reports are read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from vigility.core.reports.deprecated import DeprecatedRollupDifference
from vigility.core.reports.query import Query
from vigility.core.reports.rollups import RollupKey

Group = tuple[str, ...]
"""A value for each name in `Query.group_by`: for ("feature",), the name of a feature."""


class Rest(NamedTuple):
    """What the limit of a query leaves out: so many groups, and the value of all of them together."""

    groups: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a reader reads for a query, all of it from one moment of the database.

    Attributes:
        totals: the groups that have events under the filters. With `Query.limit`, a reader may read only the
            first so many: value descending, then group ascending by code points.
        rest: the groups that were not read because of the limit; None if there are none.
        series: for each feature of `Query.series_of` that was ever tracked, the days that have events.
        first_day: the first day of any event in the database, whatever the filters. None if there is none,
            or if no feature of `Query.series_of` was ever tracked.
        last_day: the last such day.
    """

    totals: Mapping[Group, int]
    series: Mapping[Group, Mapping[date, int]]
    first_day: date | None
    last_day: date | None
    rest: Rest | None = None


class ReportReader(Protocol):
    """Answers queries: a database, or a cache around another reader."""

    def read(self, query: Query) -> Counts:
        """The counts that a report shows, read from one moment of the database. Raises StoreError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupDifference(DeprecatedRollupDifference):
    """A row of a rollup that does not agree with the events. A count is 0 if there is no row or no event."""

    key: RollupKey
    in_rollup: int
    in_events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureUse:
    """A stored feature: how many events it has, and the UTC days of the first and the last of them.

    The days are None if there is no event: an interrupted deletion can leave a name behind.
    """

    feature: str
    events: int
    first_day: date | None
    last_day: date | None


class RollupMaintenance(Protocol):
    """Checks and repairs the rollups that reports are read from."""

    def features(self) -> Sequence[FeatureUse]:
        """Every stored feature, in any order, from one moment of the database."""
        ...

    def verify(self) -> list[RollupDifference]:
        """Compare every row of the rollups with the events. Returns nothing if all agree."""
        ...

    def rebuild(self) -> None:
        """Build the rollups again from the events, in one transaction."""
        ...

    def counts_upto(self, upto: int) -> Mapping[RollupKey, int]:
        """The daily rollup without the events whose ids are above `upto`, from one moment of the database."""
        ...
