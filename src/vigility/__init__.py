"""vigility: feature-usage analytics for teams that build software in Python.

    import vigility
    from vigility import Filters

    with vigility.connect("sqlite:///usage.db") as v:
        v.register("ada", "a long password", 36, "Female")
        v.track("ada", "date_filter")
        report = v.report(Filters(gender="Female"), feature="date_filter")

Importing it loads nothing outside the standard library; `connect` loads what its store needs.
"""

from vigility.bootstrap import Limits, connect
from vigility.core.accounts import ImportedUsers
from vigility.core.errors import (
    CopyDiffers,
    CopyRefused,
    EventConflict,
    InvalidCredentials,
    InvalidInput,
    OutcomeUnknown,
    QueueFull,
    SchemaMismatch,
    StoreError,
    StoreUnavailable,
    UnknownUser,
    UserGone,
    UsernameTaken,
    VigilityError,
)
from vigility.core.model import AgeGroup, Event, Gender, NewEvent, NewUser, Tracked, User
from vigility.core.query import Filters
from vigility.core.report import DayCount, FeatureCount, Report
from vigility.core.repositories import SummaryDifference
from vigility.core.resolving import Rejected
from vigility.core.service import Vigility
from vigility.core.tracking import Importer, Ingested

__all__ = [
    "AgeGroup",
    "CopyDiffers",
    "CopyRefused",
    "DayCount",
    "Event",
    "EventConflict",
    "FeatureCount",
    "Filters",
    "Gender",
    "ImportedUsers",
    "Importer",
    "Ingested",
    "InvalidCredentials",
    "InvalidInput",
    "Limits",
    "NewEvent",
    "NewUser",
    "OutcomeUnknown",
    "QueueFull",
    "Rejected",
    "Report",
    "SchemaMismatch",
    "StoreError",
    "StoreUnavailable",
    "SummaryDifference",
    "Tracked",
    "UnknownUser",
    "User",
    "UserGone",
    "UsernameTaken",
    "Vigility",
    "VigilityError",
    "connect",
]
