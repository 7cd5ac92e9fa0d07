"""The application factory: every part of the HTTP face, wired."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import falcon
import falcon.asgi
import msgspec
from falcon.media import JSONHandler

from vigility.bootstrap import is_postgres, utc_now
from vigility.config import Settings, shared_metrics
from vigility.core.service import Vigility
from vigility.core.times import Clock
from vigility.web.http import errors
from vigility.web.middleware.access_log import AccessLog, to_stdout
from vigility.web.http.client_address import Addresses
from vigility.web.auth.rate_limits import SharedRateLimiter, unlimited
from vigility.web.api.batch_tracking import BatchStore
from vigility.web.auth.cookies import Cookies
from vigility.web.middleware.cors import Cors
from vigility.web.fast_path.handler import FastTrackHandler
from vigility.web.middleware.csrf import CsrfMiddleware
from vigility.web.middleware.security_headers import SecurityHeaders
from vigility.web.auth.authentication import Authenticator
from vigility.web.lifespan import Lifespan
from vigility.web.middleware.metrics import RequestMetrics, Metrics
from vigility.web.middleware.origins import AllowedOrigins
from vigility.web.http.static_files import Pages
from vigility.web.http.requests import Request
from vigility.web.routes import Dependencies, routes
from vigility.web.auth.signing_key import tokens_of
from vigility.web.auth.session_cache import SessionCache
from vigility.web.http.executors import BATCH_THREADS, BATCH_THREADS_ON_POSTGRES, Executors
from vigility.web.fast_path.event_writer import EventWriter

App = falcon.asgi.App[Request, falcon.asgi.Response]

STATIC: Final = Path(__file__).with_name("static")


def create_app(vigility: Vigility, settings: Settings, clock: Clock = utc_now) -> App:
    """The HTTP API and the page over one `Vigility`, which is closed when the server stops.

    No thread starts and no connection opens before the first request. Raises InvalidInput or
    StoreUnavailable where there is no secret to sign tokens with.
    """
    tokens = tokens_of(settings)
    on_postgres = is_postgres(settings.database_url)
    threads = Executors(settings.password_threads, BATCH_THREADS_ON_POSTGRES if on_postgres else BATCH_THREADS)
    metrics = Metrics(shared_metrics())
    parts = Dependencies(
        vigility=vigility,
        threads=threads,
        tokens=tokens,
        clock=clock,
        identity=Authenticator(tokens, SessionCache(vigility, threads), clock),
        cookies=Cookies(cross_site=settings.frontend_url is not None),
        attempts=SharedRateLimiter(vigility, settings) if settings.rate_limit == "on" else unlimited(),
        recorder=EventWriter(vigility, metrics),
        metrics=metrics,
        pages=Pages(STATIC),
        batches=BatchStore(vigility, clock, timedelta(days=settings.oldest_event_days)),
    )
    app: App = falcon.asgi.App(request_type=Request, middleware=_hooks(settings, parts))
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = JSONHandler(
        dumps=msgspec.json.encode, loads=msgspec.json.decode
    )
    errors.install(app)
    for route in routes(parts):
        app.add_route(route.path, route.resource)
    return app


def _hooks(settings: Settings, parts: Dependencies) -> Any:  # noqa: ANN401 - Falcon has a type for each kind of hook
    """What runs before every request, from the first on, and after it, from the last on."""
    origins = AllowedOrigins(settings.frontend_url)
    log = AccessLog(Addresses(settings.trusted_proxies), to_stdout if settings.access_log == "on" else None)
    measured = RequestMetrics(parts.metrics)
    express = FastTrackHandler(parts.identity, parts.recorder, measured, log)
    return [
        log,
        measured,
        SecurityHeaders(),
        Cors(origins),
        CsrfMiddleware(origins),
        Lifespan(parts.vigility, parts.identity, parts.threads, express),
    ]
