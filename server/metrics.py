"""What operators watch, in Prometheus' text format: of all workers together, whichever of them is asked.

Each worker counts in files of its own, in a folder that the parent makes and all of them read (`FOLDER_VARIABLE`). What
a worker counted that has died goes on to count. Without such a folder, as in tests, a process counts for itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from math import inf
from threading import Lock

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from packengine.storage.ports import CatalogTotals
from server.asgi.record import LimitName, RequestRecord

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client when it is imported, so it must be set before a worker starts."""

CONTENT_TYPE = CONTENT_TYPE_LATEST
_PREFIX = "artifacts"
_TOTALS_KEPT_S = 15.0
"""Anybody may scrape as often as they like."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_METHOD = "other"
"""A method may be any word, and every label is kept for ever."""

_LIMITS: dict[LimitName, str] = {
    "rate_limited": "Requests refused because there were too many.",
    "quota_exceeded": "Requests refused because somebody would have had too much.",
    "repo_byte_quota_exceeded": "Writes refused because a repository would have been too large.",
}
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


@dataclass(frozen=True, slots=True)
class _Kind:
    """The counters of requests of one kind: to find them by their labels takes longer than to count."""

    requests: Counter
    durations: Histogram
    received: Counter
    sent: Counter


class Metrics:
    """The counters of one process. Thread-safe."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "requests", "Requests answered.", ["method", "path", "status"], namespace=_PREFIX, registry=registry
        )
        self._durations = Histogram(
            "request_duration_seconds",
            "From a request's head to the end of its answer.",
            ["method", "path"],
            namespace=_PREFIX,
            registry=registry,
            buckets=_BUCKETS_S,
        )
        self._received = Counter(
            "received_bytes", "Bytes of request bodies.", ["path"], namespace=_PREFIX, registry=registry
        )
        self._sent = Counter("sent_bytes", "Bytes of answers' bodies.", ["path"], namespace=_PREFIX, registry=registry)
        self._packs = Counter(
            "pack_cache_answers",
            "Packs of fetches by where they came from: hit, miss, joined, whole (sent as it is stored), off.",
            ["use"],
            namespace=_PREFIX,
            registry=registry,
        )
        self._limits = {
            name: Counter(name, text, namespace=_PREFIX, registry=registry) for name, text in _LIMITS.items()
        }
        self._kinds: dict[tuple[str, str, int], _Kind] = {}
        self._totals = b""
        self._totals_until_s = -inf
        self._totals_lock = Lock()
        build = Gauge(
            "build_info", "1.", ["version"], namespace=_PREFIX, registry=registry, multiprocess_mode="livemax"
        )
        build.labels(version("packhouse")).set(1)

    def count(self, record: RequestRecord, status: int, duration_s: float) -> None:
        """Count a request that is over."""
        method = record.method if record.method in _METHODS else _OTHER_METHOD
        kind = self._kinds.get((method, record.template, status)) or self._kind(method, record.template, status)
        kind.requests.inc()
        kind.durations.observe(duration_s)
        if record.received_bytes:
            kind.received.inc(record.received_bytes)
        if record.sent_bytes:
            kind.sent.inc(record.sent_bytes)
        if record.limit is not None:
            self._limits[record.limit].inc()
        if record.cache is not None:
            self._packs.labels(record.cache).inc()

    def _kind(self, method: str, template: str, status: int) -> _Kind:
        kind = self._kinds[method, template, status] = _Kind(
            requests=self._requests.labels(method, template, str(status)),
            durations=self._durations.labels(method, template),
            received=self._received.labels(template),
            sent=self._sent.labels(template),
        )
        return kind

    def render(self, read_totals: Callable[[], CatalogTotals]) -> bytes:
        """The text. Reads the files of all workers: belongs into a worker thread.

        read_totals: of the catalog, which all workers see alike and none of them counts. Called now and then only.
        """
        return self._counted() + self._told(read_totals)

    def _told(self, read_totals: Callable[[], CatalogTotals]) -> bytes:
        with self._totals_lock:
            if time.monotonic() >= self._totals_until_s:
                self._totals = _as_text(read_totals())
                self._totals_until_s = time.monotonic() + _TOTALS_KEPT_S
            return self._totals

    def _counted(self) -> bytes:
        folder = os.environ.get(FOLDER_VARIABLE)
        if folder is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]  # it is typed in part
        return generate_latest(registry)


class _Totals:
    """Not gauges of the library: those would be kept in the files of the workers, too."""

    def __init__(self, totals: CatalogTotals) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        """See CollectorRegistry."""
        yield GaugeMetricFamily(f"{_PREFIX}_repos_total", "Live repositories.", self._totals.repositories)
        yield GaugeMetricFamily(f"{_PREFIX}_tokens_active_total", "Live repository tokens.", self._totals.tokens)


def _as_text(totals: CatalogTotals) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Totals(totals))
    return generate_latest(registry)
