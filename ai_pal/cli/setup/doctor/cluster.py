"""The nodes of a cluster: whether each answers, its memory, and whether the usual model is there."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ai_pal import __version__
from ai_pal.cli.setup.doctor.finding import Finding, ok, warn
from ai_pal.config import Settings

if TYPE_CHECKING:
    from ai_pal.protocol.client import NodeStatus


def check_cluster(settings: Settings, nodes: "Sequence[NodeStatus] | None") -> Iterator[Finding]:
    """What the supervisor knows of its `nodes`; None: none runs."""
    from ai_pal.catalog import default_model

    if not settings.cluster.on:
        return
    if nodes is None:
        yield ok("cluster", "what its nodes have is told while a supervisor runs")
    elif not nodes:
        yield warn("cluster", "no nodes are known: it is starting, or cannot be had", "see: ai-pal logs")
    for node in nodes or ():
        yield judged(node, default_model(settings))


def judged(node: "NodeStatus", model: str) -> Finding:
    """One node in one line; `model` is the usual one."""
    check = f"node {node.name}"
    if node.silent:
        return warn(check, "does not answer", "see: ai-pal logs")
    if node.other_version:
        has = f"has AI-PAL {node.other_version}: nothing is started there"
        return warn(check, has, f"install {__version__} there, and start it again")
    has = f"{node.free / 1e9:.1f} of {node.total / 1e9:.1f} GB free{', drained' if node.drained else ''}"
    if node.usual is False:
        return warn(check, f"{has}, {model} is not there", f"on that node: ai-pal pull {model}")
    return ok(check, f"{has}, {model} is there" if node.usual else has)
