"""The route table. A new endpoint needs an entry here and one in `openapi/operations.py`."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from vigility.auth.tokens import Tokens
from vigility.core.service import Vigility
from vigility.core.times import Clock
from vigility.web.api.accounts import (
    LoginResource,
    LogoutResource,
    MeResource,
    RegisterResource,
    SessionIssuer,
)
from vigility.web.api.analytics import AnalyticsResource
from vigility.web.api.batch_tracking import BatchResource, BatchWriter
from vigility.web.api.health import HealthResource
from vigility.web.api.metrics import MetricsResource
from vigility.web.api.tracking import TrackResource
from vigility.web.auth.authentication import Authenticator
from vigility.web.auth.cookies import Cookies
from vigility.web.auth.rate_limits import RateLimiter
from vigility.web.fast_path.event_writer import EventWriter
from vigility.web.http.executors import Executors
from vigility.web.http.static_files import PageResource, StaticFiles, StaticResource
from vigility.web.middleware.metrics import Metrics
from vigility.web.openapi.docs_page import DocsResource
from vigility.web.openapi.document import OpenApiResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Everything that resources need."""

    vigility: Vigility
    executors: Executors
    tokens: Tokens
    clock: Clock
    authenticator: Authenticator
    cookies: Cookies
    rate_limiter: RateLimiter
    event_writer: EventWriter
    batch_writer: BatchWriter
    metrics: Metrics
    metrics_token: SecretStr | None
    static_files: StaticFiles


@dataclass(frozen=True, slots=True)
class Route:
    """A path and the resource behind it."""

    path: str
    resource: object


def routes(needs: Dependencies) -> list[Route]:
    """Every route."""
    vigility, executors, authenticator = needs.vigility, needs.executors, needs.authenticator
    page = needs.static_files.index
    session_issuer = SessionIssuer(
        vigility=vigility,
        executors=executors,
        rate_limiter=needs.rate_limiter,
        tokens=needs.tokens,
        cookies=needs.cookies,
        clock=needs.clock,
    )
    return [
        Route("/register", RegisterResource(session_issuer, page)),
        Route("/login", LoginResource(session_issuer, page)),
        Route("/logout", LogoutResource(authenticator, needs.cookies)),
        Route("/me", MeResource(authenticator)),
        Route("/track", TrackResource(authenticator, needs.event_writer)),
        Route("/track/batch", BatchResource(authenticator, needs.batch_writer, executors, needs.metrics)),
        Route("/analytics", AnalyticsResource(vigility, authenticator, executors)),
        Route("/health", HealthResource(vigility, executors)),
        Route("/metrics", MetricsResource(needs.metrics, needs.metrics_token)),
        Route("/openapi.json", OpenApiResource()),
        Route("/docs", DocsResource()),
        Route("/", PageResource(page)),
        Route("/dashboard", PageResource(page)),
        Route("/static/{path:path}", StaticResource(needs.static_files)),
    ]
