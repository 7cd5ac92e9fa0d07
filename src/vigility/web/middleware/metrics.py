"""Metrics for Prometheus, correct with several workers."""

from __future__ import annotations

import collections
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

from falcon.asgi import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from vigility.web.http.requests import Request
from vigility.web.middleware.metrics_files import read_lock

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_NO_ROUTE: Final = "none"


class GroupedHistogram(Histogram):
    """A histogram that takes many observations at the cost of a few."""

    def observe_all(self, amounts: Sequence[float]) -> None:
        """Observe each of the amounts."""
        self._sum.inc(sum(amounts))
        buckets = collections.Counter(bisect_left(self._upper_bounds, amount) for amount in amounts)
        for index, count in buckets.items():
            self._buckets[index].inc(count)


class Metrics:
    """Everything that is counted.

    With several workers, each writes its own files in `directory`, and any worker can add up all of them.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "vigility_http_requests",
            "Requests that got a response.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self.seconds = GroupedHistogram(
            "vigility_http_request_seconds",
            "Time from a request's arrival to its response.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.events_stored = Counter("vigility_events_stored", "Events stored.", registry=self._registry)
        self.queue_length = Gauge(
            "vigility_queue_length",
            "Events waiting to be stored.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self.queue_length.set(0)

    def render(self) -> bytes:
        """The counts of all workers in Prometheus's text format. Reads files: call it in a thread."""
        if self._directory is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        with read_lock(self._directory):
            MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]
            return generate_latest(registry)


class RequestMetrics:
    """Counts and times each response."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        # Bounded: methods times routes times statuses.
        self._series: dict[tuple[str, str, int], tuple[Counter, GroupedHistogram]] = {}

    async def process_response(self, req: Request, resp: Response, _resource: object, _ok: bool) -> None:
        """Count the response under its route, not its path: there is no end of paths."""
        method = req.method if req.method in _METHODS else "other"
        route = req.uri_template or _NO_ROUTE
        self.count(method, route, resp.status_code, [perf_counter() - req.context.began])

    def count(self, method: str, route: str, status: int, seconds: Sequence[float]) -> None:
        """Count responses of one kind; `seconds` holds how long each took."""
        key = (method, route, status)
        requests, histogram = self._series.get(key) or self._new_series(*key)
        requests.inc(len(seconds))
        histogram.observe_all(seconds)

    def _new_series(self, method: str, route: str, status: int) -> tuple[Counter, GroupedHistogram]:
        series = (
            self._metrics.requests.labels(method, route, status),
            self._metrics.seconds.labels(method, route),
        )
        self._series[method, route, status] = series
        return series
