"""The nodes of a cluster in cells, with the memory of each and of its cards; `cluster status`, `status` and
`top` share them. Pure."""

from collections.abc import Iterable, Sequence

from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.protocol.client import NodeStatus, WorkerStatus

HEAD = ("NODE", "STATE", "MEMORY FREE", "CORES", "CARDS FREE", "MODELS")
SPARE = ("CORES", "MODELS")
"""What a narrow terminal does without."""


def node_cells(node: NodeStatus, workers: Iterable[WorkerStatus]) -> tuple[str, ...]:
    return (
        neutral_line(node.name),
        _state(node),
        _of(node.free, node.total),
        str(node.cores),
        _cards(node),
        neutral_line(", ".join(models_on(node.name, workers))) or "-",
    )


def _state(node: NodeStatus) -> str:
    """Of a node of another version, that: else people would wait for models to come there."""
    if node.silent:
        return "silent"
    if node.other_version:
        return neutral_line(f"version {node.other_version}")
    return "drained" if node.drained else "answers"


def models_on(node: str, workers: Iterable[WorkerStatus]) -> Sequence[str]:
    """What runs there."""
    return [worker.model for worker in workers if worker.node == node]


def _cards(node: NodeStatus) -> str:
    """Of several their number, and what they have together."""
    if not node.cards:
        return "-"
    free = _of(sum(card.free for card in node.cards), sum(card.total for card in node.cards))
    return free if len(node.cards) == 1 else f"{len(node.cards)}: {free}"


def _of(free: int, total: int) -> str:
    return f"{free / 1e9:.1f} of {total / 1e9:.1f} GB"
