"""The use case of reporting: from a query to a report."""

from __future__ import annotations

from vigility.core.reports.ports import ReportReader
from vigility.core.reports.query import Query, require_supported
from vigility.core.reports.report import Report, build_report
from vigility.core.times import Clock


class Reports:
    """Makes reports of what a reader reads."""

    def __init__(self, reader: ReportReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    def make(self, query: Query) -> Report:
        """The report that answers `query`. Raises InvalidInput if nothing can answer it, or StoreError."""
        require_supported(query)
        now = self._clock()  # before reading: an event stored later may be missing
        return build_report(query, self._reader.read(query), now)
