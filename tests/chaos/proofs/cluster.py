"""Promise 21: what makes up a cluster is lost in each phase of a request: processes, hosts, lines of hosts.
The request ends once, the client hears of it, and nothing computes on."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from itertools import product

from tests.chaos.laboratory import Laboratory, held, send
from tests.chaos.losses import BY_LINE, PHASES, SETTINGS, Strike, Victim, each_loss, lose
from tests.chaos.site import Site, SshSite
from tests.process.eventually import eventually

__all__ = ["FULL", "SETTINGS", "SMALL", "prove"]

EACH = 50
GROWTH, FDS, AGAIN = 12_000_000, 2, 5
CLUSTER = "ai_pal.cluster"


def killed(find: Callable[[Laboratory, Site, str], list[int]]) -> Strike:
    """Kills what it finds, as soon as that is there."""

    def strike(lab: Laboratory, site: Site, host: str) -> float:
        pids = eventually(lambda: find(lab, site, host))
        struck = time.monotonic()
        for pid in pids:
            send(pid, signal.SIGKILL)
        return struck

    return strike


def cluster_processes(lab: Laboratory) -> list[int]:
    return [process.pid for process in lab.daemon.children(CLUSTER)]


def host_lost(lab: Laboratory, site: Site, host: str) -> float:
    struck = time.monotonic()
    site.switch_off(host)
    return struck


def line_lost(lab: Laboratory, site: Site, host: str) -> float:
    struck = time.monotonic()
    site.cut(host)
    return struck


VICTIMS = [
    # Wherever it is by then: it may have been placed anew since its host was told.
    Victim("worker", killed(lambda lab, site, host: site.workers())),
    Victim("agent", killed(lambda lab, site, host: site.agents())),
    Victim("cluster process", killed(lambda lab, site, host: cluster_processes(lab))),
    Victim(
        "supervisor", killed(lambda lab, site, host: [lab.daemon.process.pid]),
        mends=lambda lab, site, host: lab.kill(), ends_all=True,
    ),
    Victim("host", host_lost, BY_LINE, lambda lab, site, host: site.switch_on(host)),
    Victim("line", line_lost, BY_LINE, lambda lab, site, host: site.mend(host)),
]  # fmt: skip
FULL, SMALL = EACH * len(PHASES) * len(VICTIMS), 2


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one loss; each of them in each phase has its turn."""

    def play(losses: Iterator[tuple[str, Victim]]) -> None:
        with SshSite() as site:
            lab.configure(site.config)
            for phase, victim in losses:
                lose(lab, site, dice, phase, victim)
            _nothing_is_kept(lab, site, dice, AGAIN if rounds > SMALL else 1)
            lab.stop()

    each_loss(lab, dice, list(product(PHASES, VICTIMS)), rounds, play)


def _nothing_is_kept(lab: Laboratory, site: Site, dice: random.Random, times: int) -> None:
    """Workers die and others come, and neither the supervisor nor the cluster process grows."""
    lose(lab, site, dice, "streaming", VICTIMS[0])
    pids = lab.daemon.process.pid, cluster_processes(lab)[0]
    before = [held(pid) for pid in pids]
    for _ in range(times):
        lose(lab, site, dice, "streaming", VICTIMS[0])
    for name, pid, first in zip(("supervisor", "cluster process"), pids, before, strict=True):
        last = held(pid)
        lab.report.figures[f"memory kept by the {name} (MB)"] = round((last.memory - first.memory) / 1e6, 1)
        lab.report.figures[f"descriptors kept by the {name}"] = last.fds - first.fds
        lab.report.expect(last.fds - first.fds <= FDS, f"{name}: {first.fds} descriptors, then {last.fds}")
        lab.report.expect(last.memory - first.memory < GROWTH, f"{name}: {first.memory}, then {last.memory}")
