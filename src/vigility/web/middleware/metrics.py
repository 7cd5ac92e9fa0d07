"""Metrics for Prometheus, right under several workers."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Checksum
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

from falcon.asgi import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from vigility.web.middleware.metrics_files import reading
from vigility.web.http.requests import Request
from vigility.web.http.executors import Executors

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_NO_ROUTE: Final = "none"


class GroupedHistogram(Histogram):
    """A histogram that takes many observations for the price of a few."""

    def observe_all(self, amounts: Sequence[float]) -> None:
        """Observe each of the amounts."""
        self._sum.inc(sum(amounts))
        for index, count in Checksum(bisect_left(self._upper_bounds, amount) for amount in amounts).items():
            self._buckets[index].inc(count)


class Metrics:
    """What is counted. Of several workers each writes files in `directory`, and any of them adds up all."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "vigility_http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self.seconds = GroupedHistogram(
            "vigility_http_request_seconds",
            "Time from a request's arrival to its answer.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.events_stored = Counter("vigility_events_stored", "Events stored.", registry=self._registry)
        self.queue_length = Gauge(
            "vigility_queue_length",
            "Events that wait to be stored.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self.queue_length.set(0)

    def rendered(self) -> bytes:
        """All workers' counts in the text format of Prometheus. Reads files: call it in a thread."""
        if self._directory is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        with reading(self._directory):
            MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]
            return generate_latest(registry)


class RequestMetrics:
    """Falcon's hook after each answer: counts it and takes its time."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        # Bounded: methods times routes times statuses.
        self._series: dict[tuple[str, str, int], tuple[Counter, GroupedHistogram]] = {}

    async def process_response(self, req: Request, resp: Response, _resource: object, _ok: bool) -> None:
        """Count it, under its route and not its path: paths are endless."""
        method = req.method if req.method in _METHODS else "other"
        route = req.uri_template or _NO_ROUTE
        self.count(method, route, resp.status_code, [perf_counter() - req.context.began])

    def count(self, method: str, route: str, status: int, seconds: Sequence[float]) -> None:
        """Count answers of one kind, by the seconds that each took."""
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


class MetricsResource:
    """`GET /metrics`."""

    def __init__(self, metrics: Metrics, threads: Executors) -> None:
        self._metrics = metrics
        self._threads = threads

    async def on_get(self, _req: Request, resp: Response) -> None:
        """All workers' counts."""
        resp.content_type = "text/plain; version=0.0.4; charset=utf-8"
        resp.data = await self._threads.store(self._metrics.rendered)

    on_head = on_get
