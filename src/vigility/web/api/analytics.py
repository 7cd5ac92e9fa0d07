"""`GET /analytics`."""

from __future__ import annotations

from typing import Final

from falcon.asgi import Response

from vigility.core.reports.filters import Filters
from vigility.core.service import Vigility
from vigility.web.auth.authentication import Authenticator
from vigility.web.http.requests import Request, query_of
from vigility.web.http.executors import Executors

PARAMETERS: Final = ("startDate", "endDate", "ageGroup", "gender", "feature")


class AnalyticsResource:
    """Counts per feature, and per day of one feature, under filters."""

    def __init__(self, vigility: Vigility, identity: Authenticator, threads: Executors) -> None:
        self._vigility = vigility
        self._identity = identity
        self._threads = threads

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answer from the summaries."""
        await self._identity.user_of(req)
        start, end, age_group, gender, feature = map(query_of(req, PARAMETERS).get, PARAMETERS)
        filters = Filters(start, end, age_group, gender)
        report = await self._threads.store(self._vigility.report, filters, feature or None)
        resp.media = report.to_dict()

    on_head = on_get
