"""The cluster out of the settings. Imported only where these name an engine."""

import contextlib
from functools import partial
from pathlib import Path

from ai_pal import catalog
from ai_pal.catalog.identity import identity_of
from ai_pal.config import Settings
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.config.egress_environment import cluster_environment
from ai_pal.errors import AiPalError
from ai_pal.formats.gguf_parts import part_paths
from ai_pal.memory.estimates import LearnedFootprints
from ai_pal.protocol.client import NodeStatus
from ai_pal.protocol.cluster import Begin, decode_from_cluster
from ai_pal.server.app.policies import egress_policy, memory_policy
from ai_pal.server.children.cluster import MODULE, Cluster, OnLine
from ai_pal.server.children.egress import EgressProcess, Send
from ai_pal.server.nodes.base import Launcher
from ai_pal.server.pool.node_admission import Files, NodeAdmission
from ai_pal.server.ports import Clock, Observe


def cluster_of(
    settings: Settings, launcher: Launcher, send: Send, clock: Clock, observe: Observe, on_line: OnLine
) -> Cluster:
    """The cluster, not started yet; `launcher` starts its process on this machine."""
    policy = egress_policy(settings)
    process = EgressProcess(
        launcher, send, clock, observe, policy, cluster_environment, MODULE, decode_from_cluster
    )
    return Cluster(process, _begin(settings.cluster), clock, observe, on_line)


def node_admission(
    cluster: Cluster, footprints: LearnedFootprints, settings: Settings, clock: Clock
) -> NodeAdmission:
    """Who decides which node a worker runs on."""
    files_of = partial(_files_of, catalog.cache_dir(settings))
    return NodeAdmission(cluster, footprints, memory_policy(settings), clock, files_of)


def node_statuses(cluster: Cluster, settings: Settings) -> list[NodeStatus]:
    """The nodes, and whether the usual model is there."""
    usual = None
    with contextlib.suppress(AiPalError, OSError, ValueError):  # then nobody could say
        usual = _files_of(catalog.cache_dir(settings), catalog.resolve("", settings).path)
    return cluster.statuses(usual.identities if usual is not None else None)


def _begin(cluster: ClusterSettings) -> Begin:
    advertise = f"tcp://{cluster.advertise}" if cluster.advertise else ""
    return Begin(cluster.engine, f"tcp://{cluster.listen}", cluster.nodes, cluster.address, advertise)


def _files_of(cache: Path, path: str) -> Files | None:
    try:
        place = Path(path).relative_to(cache).as_posix() if path else ""
    except ValueError:
        return None
    found = (identity_of(file, cache) for file in _all_of(Path(path)))
    return Files(place, frozenset(filter(None, found))) if place else None


def _all_of(path: Path) -> list[Path]:
    """The files of a model: those of its folder, or its one file with the other parts of that."""
    if path.is_dir():
        return [file for file in path.iterdir() if file.is_file()]
    return part_paths(path)
