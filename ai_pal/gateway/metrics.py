"""Figures for Prometheus: what was asked, who answered, how fast. Names are OpenTelemetry's where it has one
(its `gen_ai.*` with underscores)."""

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from ai_pal.gateway.access.open_requests import lives
from ai_pal.gateway.answering.record import Record
from ai_pal.gateway.machine_figures import MachineFigures
from ai_pal.protocol import client as wire

MEDIA_TYPE = CONTENT_TYPE_LATEST

MOST_MODELS = 200
"""Names of models that are told apart: each is a row of its own, for as long as this process lives."""

OTHER = "other"
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_BETWEEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
_TOKENS = tuple(4**power for power in range(14))
"""The buckets that OpenTelemetry advises."""

_MODEL = ("gen_ai_provider_name", "gen_ai_response_model")

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The folder in which the processes of one port count, each in files of its own; prometheus_client reads it
when it is imported."""


async def _nobody() -> wire.StatusReply | None:
    return None


class Metrics:
    """Counts requests; `told` is the page that a collector reads. `status` is what the supervisor says of its
    models, None while there is none."""

    def __init__(self, status: Callable[[], Awaitable[wire.StatusReply | None]] = _nobody) -> None:
        self._registry, self._status = CollectorRegistry(), status
        self._models: set[str] = set()
        self._shared = os.environ.get(SHARED, "")
        if self._shared:
            _forget_the_dead(Path(self._shared))
        else:
            ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "ai_pal_requests",
            "Requests over HTTP; the outcome is ok or an error's code.",
            ("door", *_MODEL, "tier", "outcome"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "gen_ai_server_request_duration_seconds",
            "Seconds of requests that a model answered.",
            ("door", *_MODEL, "tier"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._first = Histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "Seconds until the first token, with queue and load.",
            (*_MODEL, "tier"),
            buckets=_FIRST,
            registry=self._registry,
        )
        self._tokens = Histogram(
            "gen_ai_client_token_usage",
            "Tokens of a request.",
            (*_MODEL, "tier", "gen_ai_token_type"),
            buckets=_TOKENS,
            registry=self._registry,
        )
        self._between = Histogram(
            "gen_ai_server_time_per_output_token_seconds",
            "Seconds between the tokens of an answer, on the average.",
            (*_MODEL, "tier"),
            buckets=_BETWEEN,
            registry=self._registry,
        )
        self._cost = Counter(
            "ai_pal_cost_dollars",
            "What providers charge, by their prices.",
            _MODEL,
            registry=self._registry,
        )
        self._notices = Counter(
            "ai_pal_notices",
            "What answers were not as asked in: fallback, retry, trimmed, ...",
            ("kind",),
            registry=self._registry,
        )
        self._streams = Gauge(
            "ai_pal_open_streams",
            "Streams that are open.",
            ("door",),
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    @contextmanager
    def open_stream(self, door: str) -> Iterator[None]:
        """Count a stream while it goes out."""
        gauge = self._streams.labels(door)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    def count(self, record: Record, seconds: float) -> None:
        """Add a request that is over."""
        started = record.started
        provider, tier = (started.provider, str(started.tier)) if started else ("", "")
        model = self._model(started.model) if started else ""
        self._requests.labels(record.door, provider, model, tier, record.outcome).inc()
        for kind in record.notices:
            self._notices.labels(kind).inc()
        if started is None:
            return
        self._seconds.labels(record.door, provider, model, tier).observe(seconds)
        if record.cost:
            self._cost.labels(provider, model).inc(record.cost)
        if record.between:
            self._between.labels(provider, model, tier).observe(record.between)
        if record.first_token:
            self._first.labels(provider, model, tier).observe(record.first_token)
        for kind, tokens in (
            ("input", record.usage.prompt_tokens),
            ("output", record.usage.completion_tokens),
        ):
            if tokens:
                self._tokens.labels(provider, model, tier, kind).observe(tokens)

    async def told(self, _: object, __: Mapping[str, str]) -> bytes:
        """GET /metrics; of all processes that share a port, and of the supervisor behind them."""
        machine = b""
        if (status := await self._status()) is not None:
            registry = CollectorRegistry()
            registry.register(MachineFigures(status))
            machine = generate_latest(registry)
        if not self._shared:
            return generate_latest(self._registry) + machine
        registry = CollectorRegistry()
        MultiProcessCollector(registry, self._shared)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + machine

    def _model(self, name: str) -> str:
        """Without its options, which are without number."""
        name = name.partition("?")[0]
        if name not in self._models and len(self._models) >= MOST_MODELS:
            return OTHER
        self._models.add(name)
        return name


def _forget_the_dead(folder: Path) -> None:
    """What processes that have ended had open is open no more; what they have counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not lives(pid):
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
