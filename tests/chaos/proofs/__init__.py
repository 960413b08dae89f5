"""The proofs by the promise that they prove; each plays `rounds` rounds out of one seed."""

import random
from collections.abc import Callable
from types import ModuleType

import msgspec

from tests.chaos.laboratory import Laboratory
from tests.chaos.proofs import (
    blows,
    cancels,
    cluster,
    cluster_ray,
    descriptors,
    disk,
    doubts,
    failures,
    flood,
    hangs,
    http_streams,
    kills,
    machine_links,
    memory_limit,
    ollama_death,
    overload,
    starts,
    stops,
    storage,
    supervisor_death,
)
from tests.chaos.ray_site import is_here as ray_hosts
from tests.chaos.site import is_here as ssh_hosts

Prove = Callable[[Laboratory, random.Random, int], None]


class Proof(msgspec.Struct, frozen=True):
    """`full` and `small` are rounds, by hand and in CI: 0 is by hand only. It `can_run` on this machine, and
    one that is `dealt` at several sites side by side."""

    title: str
    prove: Prove
    full: int
    small: int
    settings: dict[str, object] = {}
    can_run: Callable[[], bool] = lambda: True

    @property
    def dealt(self) -> bool:
        return self.prove in DEALT


def _proof(
    title: str, module: ModuleType, can_run: Callable[[], bool] = lambda: True, /, **settings: object
) -> Proof:
    return Proof(title, module.prove, module.FULL, module.SMALL, settings, can_run)


DEALT = [module.prove for module in (cluster, cluster_ray, http_streams, machine_links, supervisor_death)]
PROOFS = {
    "blows": _proof("random blows in random states", blows),
    "1": _proof("1, 3: workers killed at a random token", kills),
    "4": _proof("4: the supervisor killed in each state", supervisor_death),
    "5": _proof("5: hung workers replaced, slow ones not", hangs),
    "6": _proof("6: cancels at random moments", cancels),
    "7": _proof("7: loads and reaps in a control group", memory_limit, **memory_limit.SETTINGS),
    "8": _proof("8: SIGKILL while history and ledger are written", storage),
    "9": _proof("9: ten times the capacity", overload, queue_size=overload.QUEUE),
    "ollama": _proof("an Ollama server that dies or hangs", ollama_death, **ollama_death.SETTINGS),
    "doubts": _proof("1, 3, 6: deaths and cancels under doubted answers", doubts, **doubts.SETTINGS),
    "machines": _proof("links to another machine of yours", machine_links, **machine_links.SETTINGS),
    "15": _proof("15: simultaneous starts", starts),
    "16": _proof("16: the Nth operation fails", failures),
    "flood": _proof("16: a flooding client", flood),
    "17": _proof("17: SIGTERM in a random state", stops),
    "18": _proof("18: deaths under open streams of HTTP", http_streams, **http_streams.SETTINGS),
    "cluster": _proof(
        "21: parts of a cluster are lost in each phase", cluster, ssh_hosts, **cluster.SETTINGS
    ),
    "ray": _proof("21: the same on a Ray cluster", cluster_ray, ray_hosts, **cluster.SETTINGS),
    "fds": _proof("no descriptors left", descriptors),
    "disk": _proof("a full disk", disk),
}
