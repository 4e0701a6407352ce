"""What is counted, as Prometheus reads it, of this process or of all worker processes together."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with the folder in which worker processes add up their numbers."""
FOLDER = "tileframe-serve-"
"""With which the name of that folder begins, where it is a temporary one of ours."""
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def remove_folder() -> None:
    """Remove the folder of the numbers, for a process whose parent was killed and cannot do it."""
    folder = os.environ.get(SHARED, "")
    if os.path.basename(folder).startswith(FOLDER):
        shutil.rmtree(folder, ignore_errors=True)


class Metrics:
    """Counters of requests, and gauges of this process."""

    media_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        if SHARED in os.environ:
            multiprocess.MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call]
        own = None if SHARED in os.environ else self._registry
        self._requests = Counter(
            "tileframe_requests", "Answers, by kind of request and status.", ["kind", "status"], registry=own
        )
        self._seconds = Histogram(
            "tileframe_seconds", "Seconds until an answer was sent.", ["kind"], buckets=BOUNDS, registry=own
        )
        # Looked up once: that takes longer than to count.
        self._named = lru_cache(256)(self._labelled)
        self._bytes = Counter("tileframe_sent_bytes", "Bytes of the bodies of answers.", registry=own)
        self._gauges = {
            name: Gauge(f"tileframe_{name}", text, registry=own, multiprocess_mode="livesum")
            for name, text in {
                "open_slides": "Slides and pyramids that are open.",
                "cache_bytes": "Bytes of tiles and pictures that are kept.",
                "queue": "Tiles and pictures that are being made or wait for it.",
            }.items()
        }

    def count(self, kind: str, status: int, seconds: float, sent: int) -> None:
        """Count an answer."""
        requests, took = self._named(kind, status)
        requests.inc()
        took.observe(seconds)
        self._bytes.inc(sent)

    def _labelled(self, kind: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(kind, str(status)), self._seconds.labels(kind)

    def gauge(self, values: Mapping[str, float]) -> None:
        """Set the gauges of this process."""
        for name, value in values.items():
            self._gauges[name].set(value)

    def text(self) -> bytes:
        """Return all, as Prometheus reads it."""
        return generate_latest(self._registry)
