"""Figures of the supervisor's models and nodes for Prometheus: what is loaded, what runs, what waits, what is
free where. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ai_pal.protocol import client as wire

_MODEL = ("gen_ai_response_model",)
_NODE = ("node",)
_CARD = ("node", "card")


class MachineFigures:
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
        yield from _of_nodes(self._status.nodes)
        own = "Memory of the supervisor."
        yield GaugeMetricFamily("ai_pal_supervisor_memory_bytes", own, value=self._status.memory)


def _of_nodes(nodes: Iterable[wire.NodeStatus]) -> Iterator[Metric]:
    """Memory of the nodes of a cluster, and of their cards, as they told it last."""
    free = GaugeMetricFamily("ai_pal_node_memory_free_bytes", "Free memory of a node.", labels=_NODE)
    total = GaugeMetricFamily("ai_pal_node_memory_bytes", "Memory of a node.", labels=_NODE)
    card_free = GaugeMetricFamily("ai_pal_node_card_free_bytes", "Free memory of a card.", labels=_CARD)
    card_total = GaugeMetricFamily("ai_pal_node_card_bytes", "Memory of a card.", labels=_CARD)
    answers = GaugeMetricFamily("ai_pal_node_answers", "1 for a node that answers, else 0.", labels=_NODE)
    for node in nodes:
        answers.add_metric([node.name], not node.silent)
        free.add_metric([node.name], node.free)
        total.add_metric([node.name], node.total)
        for card in node.cards:
            card_free.add_metric([node.name, card.name], card.free)
            card_total.add_metric([node.name, card.name], card.total)
    yield from (family for family in (answers, free, total, card_free, card_total) if family.samples)


def _by_model(name: str, about: str, values: Counter[str]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=_MODEL)
    for model, value in values.items():
        family.add_metric([model], value)
    return family
