"""`GET /metrics`."""

from __future__ import annotations

import asyncio
from hmac import compare_digest
from time import monotonic
from typing import Final

import falcon
from falcon.asgi import Response
from pydantic import SecretStr

from vigility.web.http.requests import Request
from vigility.web.middleware.metrics import Metrics

# Adding up the files of all workers takes some milliseconds: once a second, however many clients ask.
CACHE_SECONDS: Final = 1.0


class MetricsResource:
    """The metrics of all workers, for Prometheus."""

    def __init__(self, metrics: Metrics, token: SecretStr | None = None) -> None:
        """With a `token`, only requests that send it as a bearer token get the metrics."""
        self._metrics = metrics
        self._token = None if token is None else token.get_secret_value().encode()
        self._rendering: asyncio.Task[bytes] | None = None
        self._rendered_at = float("-inf")

    async def on_get(self, req: Request, resp: Response) -> None:
        """Send the counts of all workers, at most a second old."""
        self._check(req.get_header("Authorization"))
        content = await self._content()
        resp.content_type = "text/plain; version=0.0.4; charset=utf-8"
        resp.data = content

    on_head = on_get

    def _check(self, authorization: str | None) -> None:
        if self._token is None:
            return
        scheme, _, given = (authorization or "").partition(" ")
        is_right = compare_digest(given.strip().encode("utf-8", "replace"), self._token)
        if scheme.lower() != "bearer" or not is_right:
            raise falcon.HTTPUnauthorized(
                description="The metrics need the bearer token that the server was configured with",
                challenges=["Bearer"],
            )

    async def _content(self) -> bytes:
        """The metrics as text. Those who ask while they are rendered wait for the same text."""
        rendering = self._rendering
        if rendering is None or (rendering.done() and monotonic() - self._rendered_at >= CACHE_SECONDS):
            self._rendering = rendering = asyncio.create_task(self._render())
        return await asyncio.shield(rendering)

    async def _render(self) -> bytes:
        content = await asyncio.to_thread(self._metrics.render)
        self._rendered_at = monotonic()
        return content
