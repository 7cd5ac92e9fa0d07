"""The application of a worker that cannot open the database yet: every response is a 503 that says why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from typing import Any

import falcon
import falcon.asgi

from vigility.config import Settings, shared_metrics
from vigility.core.errors import SchemaMismatch, StoreUnavailable
from vigility.web.api.metrics import MetricsResource
from vigility.web.http import errors
from vigility.web.http.requests import Request
from vigility.web.middleware.access_log import AccessLog
from vigility.web.middleware.cors import Cors
from vigility.web.middleware.hosts import AllowedHosts, HostCheck
from vigility.web.middleware.metrics import Metrics, RequestMetrics
from vigility.web.middleware.origins import AllowedOrigins
from vigility.web.middleware.security_headers import SecurityHeaders

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class OutageApp:
    """Refuses every request but those for `/metrics`, and counts and logs them as usual."""

    def __init__(self, settings: Settings | None) -> None:
        """Without settings, if not even they could be read, `/metrics` is refused: it may need a token."""
        is_configured = settings is not None
        settings = settings or Settings.model_construct()
        self._error = StoreUnavailable("the database is not open yet", "it is being opened")
        self._access_log = AccessLog.of(settings)
        metrics = Metrics(shared_metrics())
        middleware: Any = [
            self._access_log,
            RequestMetrics(metrics),
            SecurityHeaders(),
            Cors(AllowedOrigins(settings.frontend_url)),
        ]
        if is_configured:
            middleware.append(HostCheck(AllowedHosts.of(settings)))
        self._app: falcon.asgi.App[Any, Any] = falcon.asgi.App(request_type=Request, middleware=middleware)
        errors.install(self._app)
        if is_configured:
            self._app.add_route("/metrics", MetricsResource(metrics, settings.metrics_token))
        self._app.add_sink(self._refuse)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle a request."""
        await self._app(scope, receive, send)

    async def stop(self) -> None:
        """Write the access log to its end."""
        await asyncio.to_thread(self._access_log.close)

    def report(self, error: Exception) -> None:
        """Note why the last attempt to open the database failed. The responses give the reason."""
        if isinstance(error, StoreUnavailable):
            self._error = error
        elif isinstance(error, SchemaMismatch):
            self._error = StoreUnavailable(str(error), "its schema does not fit this version of vigility")
        else:
            self._error = StoreUnavailable(str(error), "it could not be opened, and the log says why")

    async def _refuse(self, req: object, resp: object, **parts: str) -> None:  # noqa: ARG002
        raise copy(self._error)
