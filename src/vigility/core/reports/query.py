"""The query: what a report is asked for. Validated once, passed unchanged to whatever answers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from vigility.core.errors import InvalidInput
from vigility.core.reports.filters import Filters
from vigility.core.validators import valid_feature

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

    Raises:
        InvalidInput: `series_of` holds something that cannot be the name of a feature.
    """

    filters: Filters = field(default_factory=Filters)
    metrics: Sequence[str] = (EVENTS,)
    group_by: Sequence[str] = (FEATURE,)
    series_of: Sequence[str] = ()
    interval: str = DAY
    time_zone: str = UTC_ZONE

    def __post_init__(self) -> None:
        for name in ("metrics", "group_by", "series_of"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))
        features = dict.fromkeys(valid_feature(feature) for feature in self.series_of)
        object.__setattr__(self, "series_of", tuple(features))


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
            raise InvalidInput(name, f"must be {_spelled(possible)}, not {_spelled(asked) or 'empty'}")


def _spelled(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else ", ".join(map(str, value))
