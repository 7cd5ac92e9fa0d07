"""`GET /health`."""

from __future__ import annotations

from falcon.asgi import Response

from vigility.core.service import Vigility
from vigility.web.http.executors import Executors
from vigility.web.http.requests import Request


class HealthResource:
    """Tells whether the database can be reached."""

    def __init__(self, vigility: Vigility, executors: Executors) -> None:
        self._vigility = vigility
        self._executors = executors

    async def on_get(self, _req: Request, resp: Response) -> None:
        """Send 200 if it can. If not, StoreUnavailable becomes 503 as everywhere."""
        await self._executors.health(self._vigility.maintenance.ping)
        resp.media = {"status": "ok"}

    on_head = on_get
