"""vigility: feature-usage analytics for teams that build software in Python.

    import vigility
    from vigility import Filters

    with vigility.connect("sqlite:///usage.db") as v:
        v.register("ada", "a long password", 36, "Female")
        v.track("ada", "date_filter")
        report = v.report(Filters(gender="Female"), feature="date_filter")

Importing it loads nothing outside the standard library; `connect` loads what its database needs.
"""

from typing import TYPE_CHECKING

from vigility.bootstrap import PoolSettings, connect
from vigility.core.dimensions import AgeGroup, Gender
from vigility.core.errors import (
    CopyDiffers,
    CopyRefused,
    EventConflict,
    InvalidCredentials,
    InvalidInput,
    OutcomeUnknown,
    OutsideWindow,
    QueueFull,
    SchemaMismatch,
    StoreError,
    StoreUnavailable,
    UnknownUser,
    UserGone,
    UsernameTaken,
    VigilityError,
)
from vigility.core.events.model import Event, NewEvent, StoredEvent
from vigility.core.events.tracking import Importer, IngestResult
from vigility.core.events.validation import Rejected
from vigility.core.reports.filters import Filters
from vigility.core.reports.ports import FeatureUse, Rest, RollupDifference
from vigility.core.reports.query import Query
from vigility.core.reports.report import Point, Report, Series, Total
from vigility.core.reports.shown_days import DayRange
from vigility.core.service import Vigility
from vigility.core.users.accounts import ImportedUsers
from vigility.core.users.model import NewUser, User

__all__ = [
    "AgeGroup",
    "CopyDiffers",
    "CopyRefused",
    "DayRange",
    "Event",
    "EventConflict",
    "FeatureUse",
    "Filters",
    "Gender",
    "ImportedUsers",
    "Importer",
    "IngestResult",
    "InvalidCredentials",
    "InvalidInput",
    "NewEvent",
    "NewUser",
    "OutcomeUnknown",
    "OutsideWindow",
    "Point",
    "PoolSettings",
    "Query",
    "QueueFull",
    "Rejected",
    "Report",
    "Rest",
    "RollupDifference",
    "SchemaMismatch",
    "Series",
    "StoreError",
    "StoreUnavailable",
    "StoredEvent",
    "Total",
    "UnknownUser",
    "User",
    "UserGone",
    "UsernameTaken",
    "Vigility",
    "VigilityError",
    "connect",
]

if TYPE_CHECKING:  # the old names; at run time they warn
    from vigility.core.reports.deprecated import DayCount as DayCount
    from vigility.core.reports.deprecated import FeatureCount as FeatureCount

    Ingested = IngestResult
    Limits = PoolSettings
    SummaryDifference = RollupDifference
    Tracked = StoredEvent

else:

    def __getattr__(name: str) -> object:
        """Old public names: they work, with a DeprecationWarning."""
        from vigility.deprecated_names import deprecated_name

        return deprecated_name(name)
