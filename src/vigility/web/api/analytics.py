"""`GET /analytics`."""

from __future__ import annotations

from typing import Final

from falcon.asgi import Response

from vigility.core.reports.filters import Filters
from vigility.core.reports.query import Query
from vigility.core.service import Vigility
from vigility.web.api import report_json
from vigility.web.auth.authentication import Authenticator
from vigility.web.http.executors import Executors
from vigility.web.http.query_parameters import (
    DIMENSION_PARAMETERS,
    END_DATE,
    FEATURE,
    LIMIT,
    START_DATE,
    limit_of,
)
from vigility.web.http.requests import Request, query_of

PARAMETERS: Final = (START_DATE, END_DATE, *DIMENSION_PARAMETERS, FEATURE, LIMIT)


class AnalyticsResource:
    """Counts events by feature, and by day for one feature, under filters."""

    def __init__(self, vigility: Vigility, authenticator: Authenticator, executors: Executors) -> None:
        self._vigility = vigility
        self._authenticator = authenticator
        self._executors = executors

    async def on_get(self, req: Request, resp: Response) -> None:
        """Send a report, which is read from the daily rollups."""
        await self._authenticator.authenticate(req)
        query = _query(query_of(req, PARAMETERS))
        resp.media = await self._executors.report(self._report, query)

    on_head = on_get

    def _report(self, query: Query) -> report_json.AnalyticsJson:
        return report_json.to_dict(self._vigility.report(query=query))


def _query(given: dict[str, str]) -> Query:
    values = [(dimension.name, given.get(name)) for name, dimension in DIMENSION_PARAMETERS.items()]
    return Query(
        filters=Filters(given.get(START_DATE), given.get(END_DATE), values=values),
        series_of=tuple(filter(None, [given.get(FEATURE)])),
        limit=limit_of(given.get(LIMIT, "")),
    )
