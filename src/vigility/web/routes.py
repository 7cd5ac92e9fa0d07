"""The route table."""

from __future__ import annotations

from dataclasses import dataclass

from vigility.auth.tokens import Tokens
from vigility.core.service import Vigility
from vigility.core.times import Clock
from vigility.web.accounts import LoginResource, LogoutResource, MeResource, RegisterResource, SignIn
from vigility.web.analytics import AnalyticsResource
from vigility.web.attempts import Limits
from vigility.web.batches import BatchResource, BatchStore
from vigility.web.cookies import Cookies
from vigility.web.docs_page import DocsResource
from vigility.web.health import HealthResource
from vigility.web.identity import Identity
from vigility.web.metrics import Metrics, MetricsResource
from vigility.web.openapi import OpenApiResource
from vigility.web.pages import Page, Pages, StaticResource
from vigility.web.threads import Threads
from vigility.web.tracking import Recorder, TrackResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What resources are made of."""

    vigility: Vigility
    threads: Threads
    tokens: Tokens
    clock: Clock
    identity: Identity
    cookies: Cookies
    attempts: Limits
    recorder: Recorder
    metrics: Metrics
    pages: Pages
    batches: BatchStore


@dataclass(frozen=True, slots=True)
class Route:
    """A path and the resource that answers there."""

    path: str
    resource: object


def routes(parts: Parts) -> list[Route]:
    """Every route."""
    vigility, threads, identity, page = parts.vigility, parts.threads, parts.identity, parts.pages.index
    sign_in = SignIn(
        vigility=vigility,
        threads=threads,
        limits=parts.attempts,
        tokens=parts.tokens,
        cookies=parts.cookies,
        clock=parts.clock,
    )
    return [
        Route("/register", RegisterResource(sign_in, page)),
        Route("/login", LoginResource(sign_in, page)),
        Route("/logout", LogoutResource(identity, parts.cookies)),
        Route("/me", MeResource(identity)),
        Route("/track", TrackResource(identity, parts.recorder)),
        Route("/track/batch", BatchResource(identity, parts.batches, threads, parts.metrics)),
        Route("/analytics", AnalyticsResource(vigility, identity, threads)),
        Route("/health", HealthResource(vigility, threads)),
        Route("/metrics", MetricsResource(parts.metrics, threads)),
        Route("/openapi.json", OpenApiResource()),
        Route("/docs", DocsResource()),
        Route("/", Page(page)),
        Route("/dashboard", Page(page)),
        Route("/static/{path:path}", StaticResource(parts.pages)),
    ]
