"""Workers on the nodes of a cluster. Imported only where the settings name an engine."""

import contextlib
import secrets
from collections.abc import Callable
from functools import partial

from ai_pal import catalog
from ai_pal.config import paths
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.config.current import CurrentSettings
from ai_pal.config.egress_environment import cluster_environment
from ai_pal.errors import AiPalError
from ai_pal.memory.estimates import LearnedFootprints
from ai_pal.memory.promises import PromiseFile
from ai_pal.protocol.client import NodeStatus
from ai_pal.protocol.cluster import Begin, decode_from_cluster
from ai_pal.server.app.files_for_nodes import files_for_nodes
from ai_pal.server.app.policies import egress_policy, memory_policy
from ai_pal.server.children.cluster import MODULE, Cluster
from ai_pal.server.children.egress import EgressProcess, Send
from ai_pal.server.nodes.base import ExitStatus, Launcher, LaunchSpec, OnLine, WorkerProcess
from ai_pal.server.pool.admission.admission import Admission
from ai_pal.server.pool.nodes.admission import NodeAdmission
from ai_pal.server.pool.nodes.gangs import PORTS
from ai_pal.server.pool.nodes.kept_admission import KeptAdmission
from ai_pal.server.ports import Clock, Observe


class ClusterNodes:
    """Implements `WorkerNodes`: with a cluster."""

    remote = True

    def __init__(
        self,
        current: CurrentSettings,
        launcher: Launcher,
        here: Admission,
        promises: PromiseFile,
        send: Send,
        clock: Clock,
        observe: Observe,
        on_line: OnLine,
    ) -> None:
        """`launcher` starts the cluster process, and workers for what may not leave this machine, `here` is
        about their memory."""
        self._current, settings, self._promises = current, current.settings, promises
        process = EgressProcess(
            launcher, send, clock, observe, egress_policy(settings),
            cluster_environment, MODULE, decode_from_cluster,
        )  # fmt: skip
        self.outgoing = (process,)
        self._cluster = cluster = Cluster(process, _begin(settings.cluster), clock, observe, on_line)
        self.launcher = _ByNode(launcher, cluster)
        footprints = LearnedFootprints(paths.peaks_file())
        files_of = partial(files_for_nodes, catalog.cache_dir(settings), settings.cluster)
        port = secrets.randbelow(len(PORTS))
        nodes = NodeAdmission(cluster, footprints, memory_policy(settings), clock, files_of, port)
        self.admission = KeptAdmission(here, nodes)
        self.drain, self.start = cluster.drain, cluster.start
        self.tick, self.shutdown = cluster.tick, cluster.shutdown

    def stays(self, *, bound: bool) -> bool:
        """What may not leave this machine, or those of the user's: nobody has pinned a node as one."""
        settings = self._current.settings
        return bound or settings.private() or settings.mine

    def statuses(self) -> list[NodeStatus]:
        """The nodes, and whether the usual model is there."""
        settings, usual = self._current.settings, None
        with contextlib.suppress(AiPalError, OSError, ValueError):  # then nobody could say
            load = catalog.resolve("", settings)
            usual = files_for_nodes(catalog.cache_dir(settings), settings.cluster, load)
        return self._cluster.statuses(usual.identities if usual is not None else None)

    def close(self) -> None:
        """Nodes see the end of their connections."""
        self._promises.close()


class _ByNode:
    """Implements `Launcher`: `here`, or on a node."""

    def __init__(self, here: Launcher, nodes: Launcher) -> None:
        self._here, self._nodes = here, nodes

    def launch(self, spec: LaunchSpec, on_exit: Callable[[ExitStatus], None]) -> WorkerProcess:
        return (self._nodes if spec.node else self._here).launch(spec, on_exit)


def _begin(cluster: ClusterSettings) -> Begin:
    advertise = f"tcp://{cluster.advertise}" if cluster.advertise else ""
    return Begin(cluster.engine, f"tcp://{cluster.listen}", cluster.nodes, cluster.address, advertise)
