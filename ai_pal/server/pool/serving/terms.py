"""Which worker serves a model, and on which terms it is kept: those that the settings say by now."""

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.failures import REPLACED
from ai_pal.server.pool.jobs.fair_queue import FairQueue
from ai_pal.server.pool.members.group import Group
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.policy import PoolPolicy
from ai_pal.server.pool.running.pool import Pool


def worker_for(pool: Pool, resolved: Resolved) -> ModelWorker:
    """The worker for a model, made if need be; of its replicas the first."""
    worker = pool.sharing(resolved)
    if worker is None:
        keep_alive = pool.policy.keep_alive if resolved.keep_alive is None else resolved.keep_alive
        size = pool.policy.queue_size
        worker = ModelWorker(Group(resolved, FairQueue(size), FairQueue(size), keep_alive))
        pool.add(worker)
    elif worker.process is None and not worker.group.has_process and worker.name == resolved.name:
        pool.means(worker.group, resolved)
    elif worker.resolved.is_replaced_by(resolved):
        _replace(pool, worker, resolved)
    else:
        _stays_as(pool, worker, resolved)
    return worker


def take(pool: Pool, policy: PoolPolicy) -> None:
    """From now on this is the policy; what is loaded and kept as usual is kept as is usual now."""
    before, pool.policy = pool.policy.keep_alive, policy
    for worker in pool:
        own = worker.group.kept_as_said or worker.resolved.keep_alive is not None
        if not own and worker.number == 1 and worker.keep_alive == before != policy.keep_alive:
            worker.group.keep_alive = policy.keep_alive
        pool.arm(worker)
        pool.changed(worker)


def _stays_as(pool: Pool, worker: ModelWorker, resolved: Resolved) -> None:
    """As long and as many as the settings say by now; pinned under any of its names is pinned."""
    group, before, keep_alive = worker.group, worker.resolved, resolved.keep_alive
    if worker.name == resolved.name and keep_alive != before.keep_alive:
        pool.means(group, msgspec.structs.replace(before, keep_alive=keep_alive))
        if not group.kept_as_said:
            group.keep_alive = pool.policy.keep_alive if keep_alive is None else keep_alive
    if resolved.pinned and not before.pinned:
        pool.means(group, msgspec.structs.replace(group.resolved, pinned=True))
    if worker.name == resolved.name and not before.has_bounds_of(resolved):
        least, most = resolved.replicas, resolved.most_replicas
        bounds = msgspec.structs.replace(group.resolved, replicas=least, most_replicas=most)
        pool.means(group, bounds)
    if group.resolved is not before:
        pool.arm(worker)
        pool.changed(worker)


def _replace(pool: Pool, worker: ModelWorker, resolved: Resolved) -> None:
    """Let it end when what runs in it has ended: whoever waits is served by what is there now."""
    load = msgspec.structs.replace(resolved.load, model=worker.model)
    pool.means(worker.group, msgspec.structs.replace(resolved, load=load))
    for one in worker.group.members:
        if one.process is not None:
            pool.apply(one, lifecycle.StopWanted(REPLACED, one.busy))
