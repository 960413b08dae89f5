"""Figures of the supervisor's models for Prometheus: what is loaded, what runs, what waits. Pure."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ai_pal.protocol import client as wire

_MODEL = ("gen_ai_response_model",)


class Machine:
    """A collector of what a supervisor says at one moment."""

    def __init__(self, status: wire.StatusReply) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client asks for it."""
        loaded = {one.asked_as for one in self._status.workers if one.pid and not one.vocabulary}
        there = "Models that have a process."
        yield GaugeMetricFamily("ai_pal_loaded_models", there, value=len(loaded))
        memory, running, waiting, processes = (Counter[str]() for _ in range(4))
        for one in self._status.workers:
            name = one.asked_as.partition("?")[0]  # options are without number
            processes[name] += one.pid is not None and not one.vocabulary
            waiting[name] += one.queued
            running[name] += one.active
            memory[name] += one.memory
        yield _by_model("ai_pal_model_memory_bytes", "Memory of a model's processes.", memory)
        yield _by_model("ai_pal_model_processes", "Processes of a model, which are its replicas.", processes)
        yield _by_model("ai_pal_running_requests", "Requests that a model works on.", running)
        yield _by_model("ai_pal_waiting_requests", "Requests in a model's queue.", waiting)
        evicted = "Models that had to make room for others."
        yield CounterMetricFamily("ai_pal_evictions", evicted, value=self._status.evictions)
        own = "Memory of the supervisor."
        yield GaugeMetricFamily("ai_pal_supervisor_memory_bytes", own, value=self._status.memory)


def _by_model(name: str, about: str, values: Counter[str]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=_MODEL)
    for model, value in values.items():
        family.add_metric([model], value)
    return family
