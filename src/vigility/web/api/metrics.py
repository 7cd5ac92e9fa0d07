"""`GET /metrics`."""

from __future__ import annotations

from falcon.asgi import Response

from vigility.web.http.executors import Executors
from vigility.web.http.requests import Request
from vigility.web.middleware.metrics import Metrics


class MetricsResource:
    """The metrics of all workers, for Prometheus."""

    def __init__(self, metrics: Metrics, executors: Executors) -> None:
        self._metrics = metrics
        self._executors = executors

    async def on_get(self, _req: Request, resp: Response) -> None:
        """Send the counts of all workers."""
        resp.content_type = "text/plain; version=0.0.4; charset=utf-8"
        resp.data = await self._executors.database(self._metrics.render)

    on_head = on_get
