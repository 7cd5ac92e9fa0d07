"""`GET /analytics`."""

from __future__ import annotations

from typing import Final

from falcon.asgi import Response

from vigility.core.reports.filters import Filters
from vigility.core.service import Vigility
from vigility.web.api import report_json
from vigility.web.auth.authentication import Authenticator
from vigility.web.http.executors import Executors
from vigility.web.http.query_parameters import DIMENSION_PARAMETERS, END_DATE, FEATURE, START_DATE
from vigility.web.http.requests import Request, query_of

PARAMETERS: Final = (START_DATE, END_DATE, *DIMENSION_PARAMETERS, FEATURE)


class AnalyticsResource:
    """Counts events by feature, and by day for one feature, under filters."""

    def __init__(self, vigility: Vigility, authenticator: Authenticator, executors: Executors) -> None:
        self._vigility = vigility
        self._authenticator = authenticator
        self._executors = executors

    async def on_get(self, req: Request, resp: Response) -> None:
        """Send a report, which is read from the daily rollups."""
        await self._authenticator.authenticate(req)
        query = query_of(req, PARAMETERS)
        filters = _filters(query)
        report = await self._executors.database(self._vigility.report, filters, query.get(FEATURE) or None)
        resp.media = report_json.to_dict(report)

    on_head = on_get


def _filters(query: dict[str, str]) -> Filters:
    values = [(dimension.name, query.get(name)) for name, dimension in DIMENSION_PARAMETERS.items()]
    return Filters(query.get(START_DATE), query.get(END_DATE), values=values)
