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
from vigility.web import errors
from vigility.web.access_log import AccessLog, to_stdout
from vigility.web.addresses import Addresses
from vigility.web.attempts import Attempts, no_limits
from vigility.web.batches import BatchStore
from vigility.web.cookies import Cookies
from vigility.web.cors import Cors
from vigility.web.express import Express
from vigility.web.forgery import Forgery
from vigility.web.headers import SecurityHeaders
from vigility.web.identity import Identity
from vigility.web.lifespan import Lifespan
from vigility.web.metrics import Measured, Metrics
from vigility.web.origins import AllowedOrigins
from vigility.web.pages import Pages
from vigility.web.requests import Request
from vigility.web.routes import Parts, routes
from vigility.web.secret import tokens_of
from vigility.web.standing import Standing
from vigility.web.threads import BATCH_THREADS, BATCH_THREADS_ON_POSTGRES, Threads
from vigility.web.tracking import Recorder

App = falcon.asgi.App[Request, falcon.asgi.Response]

STATIC: Final = Path(__file__).with_name("static")


def create_app(vigility: Vigility, settings: Settings, clock: Clock = utc_now) -> App:
    """The HTTP API and the page over one `Vigility`, which is closed when the server stops.

    No thread starts and no connection opens before the first request. Raises InvalidInput or
    StoreUnavailable where there is no secret to sign tokens with.
    """
    tokens = tokens_of(settings)
    on_postgres = is_postgres(settings.database_url)
    threads = Threads(settings.password_threads, BATCH_THREADS_ON_POSTGRES if on_postgres else BATCH_THREADS)
    metrics = Metrics(shared_metrics())
    parts = Parts(
        vigility=vigility,
        threads=threads,
        tokens=tokens,
        clock=clock,
        identity=Identity(tokens, Standing(vigility, threads), clock),
        cookies=Cookies(cross_site=settings.frontend_url is not None),
        attempts=Attempts(vigility, settings) if settings.rate_limit == "on" else no_limits(),
        recorder=Recorder(vigility, metrics),
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


def _hooks(settings: Settings, parts: Parts) -> Any:  # noqa: ANN401 - Falcon has a type for each kind of hook
    """What runs before every request, from the first on, and after it, from the last on."""
    origins = AllowedOrigins(settings.frontend_url)
    log = AccessLog(Addresses(settings.trusted_proxies), to_stdout if settings.access_log == "on" else None)
    measured = Measured(parts.metrics)
    express = Express(parts.identity, parts.recorder, measured, log)
    return [
        log,
        measured,
        SecurityHeaders(),
        Cors(origins),
        Forgery(origins),
        Lifespan(parts.vigility, parts.identity, parts.threads, express),
    ]
