"""The route table."""

from __future__ import annotations

from dataclasses import dataclass

from vigility.auth.tokens import Tokens
from vigility.core.service import Vigility
from vigility.core.times import Clock
from vigility.web.api.accounts import LoginResource, LogoutResource, MeResource, RegisterResource, SessionIssuer
from vigility.web.api.analytics import AnalyticsResource
from vigility.web.auth.rate_limits import RateLimiter
from vigility.web.api.batch_tracking import BatchResource, BatchStore
from vigility.web.auth.cookies import Cookies
from vigility.web.openapi.docs_page import DocsResource
from vigility.web.api.health import HealthResource
from vigility.web.auth.authentication import Authenticator
from vigility.web.middleware.metrics import Metrics
from vigility.web.api.metrics import MetricsResource
from vigility.web.openapi.document import OpenApiResource
from vigility.web.http.static_files import PageResource, Pages, StaticResource
from vigility.web.http.executors import Executors
from vigility.web.fast_path.event_writer import EventWriter
from vigility.web.api.tracking import TrackResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """What resources are made of."""

    vigility: Vigility
    threads: Executors
    tokens: Tokens
    clock: Clock
    identity: Authenticator
    cookies: Cookies
    attempts: RateLimiter
    recorder: EventWriter
    metrics: Metrics
    pages: Pages
    batches: BatchStore


@dataclass(frozen=True, slots=True)
class Route:
    """A path and the resource that answers there."""

    path: str
    resource: object


def routes(parts: Dependencies) -> list[Route]:
    """Every route."""
    vigility, threads, identity, page = parts.vigility, parts.threads, parts.identity, parts.pages.index
    session_issuer = SessionIssuer(
        vigility=vigility,
        threads=threads,
        limits=parts.attempts,
        tokens=parts.tokens,
        cookies=parts.cookies,
        clock=parts.clock,
    )
    return [
        Route("/register", RegisterResource(session_issuer, page)),
        Route("/login", LoginResource(session_issuer, page)),
        Route("/logout", LogoutResource(identity, parts.cookies)),
        Route("/me", MeResource(identity)),
        Route("/track", TrackResource(identity, parts.recorder)),
        Route("/track/batch", BatchResource(identity, parts.batches, threads, parts.metrics)),
        Route("/analytics", AnalyticsResource(vigility, identity, threads)),
        Route("/health", HealthResource(vigility, threads)),
        Route("/metrics", MetricsResource(parts.metrics, threads)),
        Route("/openapi.json", OpenApiResource()),
        Route("/docs", DocsResource()),
        Route("/", PageResource(page)),
        Route("/dashboard", PageResource(page)),
        Route("/static/{path:path}", StaticResource(parts.pages)),
    ]
