"""Workers for tests, each the only one of its model."""

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.server.pool.jobs.fair_queue import FairQueue
from ai_pal.server.pool.members.group import Group
from ai_pal.server.pool.members.model_worker import ModelWorker


def alone(resolved: Resolved) -> ModelWorker:
    group: Group[ModelWorker] = Group(resolved, FairQueue(1), FairQueue(1), 0.0)
    group.members.append(worker := ModelWorker(group))
    return worker
