"""The application factory: creates every part of the web server and connects them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import falcon
import falcon.asgi
import msgspec
from falcon.media import JSONHandler

from vigility.bootstrap import DatabaseUrl, backend_for, utc_now
from vigility.config import Settings, shared_metrics
from vigility.core.service import Vigility
from vigility.core.times import Clock
from vigility.web.api.batch_tracking import BatchWriter
from vigility.web.auth.authentication import Authenticator
from vigility.web.auth.cookies import Cookies
from vigility.web.auth.rate_limits import SharedRateLimiter, unlimited
from vigility.web.auth.session_cache import SessionCache
from vigility.web.auth.signing_key import token_issuer
from vigility.web.fast_path.event_writer import EventWriter
from vigility.web.fast_path.handler import FastTrackHandler
from vigility.web.http import errors
from vigility.web.http.client_address import ClientAddressResolver
from vigility.web.http.executors import BATCH_THREADS, PARALLEL_BATCH_THREADS, Executors
from vigility.web.http.requests import Request
from vigility.web.http.static_files import StaticFiles
from vigility.web.http.write_limit import WriteLimit
from vigility.web.lifespan import Lifespan
from vigility.web.middleware.access_log import AccessLog
from vigility.web.middleware.cors import Cors
from vigility.web.middleware.csrf import CsrfMiddleware
from vigility.web.middleware.hosts import AllowedHosts, HostCheck
from vigility.web.middleware.metrics import Metrics, RequestMetrics
from vigility.web.middleware.origins import AllowedOrigins
from vigility.web.middleware.security_headers import SecurityHeaders
from vigility.web.routes import Dependencies, routes

App = falcon.asgi.App[Request, falcon.asgi.Response]

STATIC: Final = Path(__file__).with_name("static")


def create_app(vigility: Vigility, settings: Settings, clock: Clock = utc_now) -> App:
    """The HTTP API and the dashboard over one `Vigility`, which is closed when the server stops.

    No thread starts and no connection opens before the first request. Raises InvalidInput or StoreUnavailable
    if there is no secret to sign tokens with.
    """
    needs = _dependencies(vigility, settings, clock)
    app: App = falcon.asgi.App(request_type=Request, middleware=_middleware(settings, needs))
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = JSONHandler(
        dumps=msgspec.json.encode, loads=msgspec.json.decode
    )
    errors.install(app)
    for route in routes(needs):
        app.add_route(route.path, route.resource)
    return app


def _dependencies(vigility: Vigility, settings: Settings, clock: Clock) -> Dependencies:
    tokens = token_issuer(settings)
    backend = backend_for(DatabaseUrl.parse(settings.database_url))
    batch_threads = PARALLEL_BATCH_THREADS if backend.parallel_batches else BATCH_THREADS
    executors = Executors(settings.password_threads, batch_threads)
    metrics = Metrics(shared_metrics())
    limit = WriteLimit(settings.events_per_minute) if settings.events_per_minute else None
    return Dependencies(
        vigility=vigility,
        executors=executors,
        tokens=tokens,
        clock=clock,
        authenticator=Authenticator(tokens, SessionCache(vigility, executors), clock),
        cookies=Cookies(
            ClientAddressResolver(settings.trusted_proxies), cross_site=settings.frontend_url is not None
        ),
        rate_limiter=SharedRateLimiter(vigility, settings) if settings.rate_limit == "on" else unlimited(),
        event_writer=EventWriter(vigility, metrics, limit),
        batch_writer=BatchWriter(vigility, limit),
        metrics=metrics,
        metrics_token=settings.metrics_token,
        static_files=StaticFiles(STATIC),
    )


def _middleware(settings: Settings, needs: Dependencies) -> Any:  # noqa: ANN401 - Falcon has a type for each kind
    """The middleware. It runs before every request from first to last, and after it from last to first."""
    origins = AllowedOrigins(settings.frontend_url)
    hosts = AllowedHosts.of(settings)
    access_log = AccessLog.of(settings)
    request_metrics = RequestMetrics(needs.metrics)
    fast_path = FastTrackHandler(needs.authenticator, needs.event_writer, request_metrics, access_log, hosts)
    return [
        access_log,
        request_metrics,
        SecurityHeaders(),
        HostCheck(hosts),
        Cors(origins),
        CsrfMiddleware(origins),
        Lifespan(needs.vigility, needs.authenticator, needs.executors, fast_path, access_log),
    ]
