"""vigility: feature-usage analytics for teams that build software in Python.

    import vigility
    from vigility import Filters

    with vigility.connect("sqlite:///usage.db") as v:
        v.register("ada", "a long password", 36, "Female")
        v.track("ada", "date_filter")
        report = v.report(Filters(gender="Female"), feature="date_filter")

Importing it loads nothing outside the standard library; `connect` loads what its store needs.
"""

from vigility.bootstrap import PoolSettings, connect
from vigility.core.users.accounts import ImportedUsers
from vigility.core.errors import CopyDiffers, CopyRefused, EventConflict, InvalidCredentials, InvalidInput, OutcomeUnknown, QueueFull, SchemaMismatch, StoreError, StoreUnavailable, UnknownUser, UserGone, UsernameTaken, VigilityError
from vigility.core.dimensions import AgeGroup, Gender
from vigility.core.events.model import Event, NewEvent, StoredEvent
from vigility.core.users.model import NewUser, User
from vigility.core.reports.filters import Filters
from vigility.core.reports.report import DayCount, FeatureCount, Report
from vigility.core.reports.ports import RollupDifference
from vigility.core.events.validation import Rejected
from vigility.core.service import Vigility
from vigility.core.events.tracking import Importer, IngestResult

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
