"""The use case of reporting: from a query to a report."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from vigility.core.reports.ports import ReportReader
from vigility.core.reports.query import Query, require_supported
from vigility.core.reports.report import Report, build_report
from vigility.core.times import Clock
from vigility.core.validators import feature_forms


class Reports:
    """Makes reports of what a reader reads."""

    def __init__(self, reader: ReportReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    def make(self, query: Query) -> Report:
        """The report that answers `query`. Raises InvalidInput if nothing can answer it, or StoreError."""
        require_supported(query)
        now = self._clock()  # before reading: an event stored later may be missing
        forms = {feature: feature_forms(feature) for feature in query.series_of}
        counts = self._reader.read(_asking_for(query, [form for each in forms.values() for form in each]))
        stored = {
            feature: next((form for form in each if (form,) in counts.series), feature)
            for feature, each in forms.items()
        }
        return build_report(_asking_for(query, stored.values()), counts, now)


def _asking_for(query: Query, features: Collection[str]) -> Query:
    """The same query with other features for `series_of`: in each form in which they may be stored."""
    return query if (*features,) == (*query.series_of,) else replace(query, series_of=(*features,))
