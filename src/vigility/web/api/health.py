"""`GET /health`."""

from __future__ import annotations

from falcon.asgi import Response

from vigility.core.service import Vigility
from vigility.web.http.requests import Request
from vigility.web.http.executors import Executors


class HealthResource:
    """Whether the store can be reached."""

    def __init__(self, vigility: Vigility, threads: Executors) -> None:
        self._vigility = vigility
        self._threads = threads

    async def on_get(self, _req: Request, resp: Response) -> None:
        """200 where it can; StoreUnavailable is 503 as everywhere."""
        await self._threads.store(self._vigility.ping)
        resp.media = {"status": "ok"}

    on_head = on_get
