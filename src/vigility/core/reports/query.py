"""The query: what a report is asked for. Validated once, passed unchanged to whatever answers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from vigility.core.errors import InvalidInput
from vigility.core.reports.filters import Filters
from vigility.core.validators import feature_forms, valid_count

FEATURE: Final = "feature"
EVENTS: Final = "events"
DAY: Final = "day"
UTC_ZONE: Final = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a report is asked for.

    Attributes:
        filters: which events are counted.
        metrics: what is computed.
        group_by: what the totals are grouped by.
        series_of: the features whose series over time are wanted as well; by default none. They do not
            change the totals.
        interval: how long each point of a series is.
        time_zone: the zone whose days the interval follows.
        limit: how many totals are wanted, the highest first; by default all. The report says how much it
            leaves out.

    Raises:
        InvalidInput: a value is of the wrong type, `series_of` holds something that cannot be the name of a
            feature, or the limit is not a whole number from 1.
    """

    filters: Filters = field(default_factory=Filters)
    metrics: Sequence[str] = (EVENTS,)
    group_by: Sequence[str] = (FEATURE,)
    series_of: Sequence[str] = ()
    interval: str = DAY
    time_zone: str = UTC_ZONE
    limit: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.filters, Filters):
            raise InvalidInput("filters", f"must be Filters(…), not {self.filters!r}")
        for name in ("interval", "time_zone"):
            if not isinstance(getattr(self, name), str):
                raise InvalidInput(name, f"must be text, not {getattr(self, name)!r}")
        for name in ("metrics", "group_by", "series_of"):
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        features = dict.fromkeys(feature_forms(feature)[0] for feature in self.series_of)
        object.__setattr__(self, "series_of", tuple(features))
        if self.limit is not None:
            object.__setattr__(self, "limit", valid_count("limit", self.limit))


def _names(field: str, value: object) -> tuple[str, ...]:
    """One text, or several: what a field of several names takes."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Iterable) or isinstance(names, bytes | Mapping):
        raise InvalidInput(field, f"must be a text or a list of texts, not {value!r}")
    return tuple(names)


def require_supported(query: Query) -> None:
    """Raise InvalidInput if nothing can answer this query yet. The only place that decides so."""
    supported = {
        "metrics": (query.metrics, (EVENTS,)),
        "group_by": (query.group_by, (FEATURE,)),
        "interval": (query.interval, DAY),
        "time_zone": (query.time_zone, UTC_ZONE),
    }
    for name, (asked, possible) in supported.items():
        if asked != possible:
            only = possible if isinstance(possible, str) else possible[0]
            raise InvalidInput(name, f"must be {only!r} and nothing else, not {asked!r}")
