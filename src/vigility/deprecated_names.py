"""The names that `vigility` once exported and that are called otherwise now."""

from __future__ import annotations

from typing import Final

from vigility.bootstrap import PoolSettings
from vigility.core.deprecated import warn_deprecated
from vigility.core.events.model import StoredEvent
from vigility.core.events.tracking import IngestResult
from vigility.core.reports.deprecated import DayCount, FeatureCount
from vigility.core.reports.ports import RollupDifference

_NEW_NAMES: Final = {
    "DayCount": ("Point", DayCount),
    "FeatureCount": ("Total", FeatureCount),
    "Ingested": ("IngestResult", IngestResult),
    "Limits": ("PoolSettings", PoolSettings),
    "SummaryDifference": ("RollupDifference", RollupDifference),
    "Tracked": ("StoredEvent", StoredEvent),
}


def deprecated_name(name: str) -> object:
    """What `vigility.NAME` was. Raises AttributeError if there never was such a name."""
    if name not in _NEW_NAMES:
        raise AttributeError(f"module 'vigility' has no attribute {name!r}")
    new, value = _NEW_NAMES[name]
    warn_deprecated(f"vigility.{name}", f"vigility.{new}", stacklevel=4)
    return value
