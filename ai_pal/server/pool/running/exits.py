"""What the end of a worker's process means: it was wanted, it is a crash, or its node would not have it.
Pure."""

from ai_pal.errors import Code, Failure
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.members.model_worker import ModelWorker


def as_refusal(worker: ModelWorker, status: ExitStatus) -> ExitStatus:
    """A node that lacks the engine says so only by a worker there: that is no end of the model, for others
    may have it."""
    reason = worker.state.reason
    lacks = worker.node and worker.state.phase in lifecycle.COMING and reason is not None
    if not lacks or reason is None or reason.code != Code.ENGINE_MISSING:
        return status
    return ExitStatus(refused=True, reason=reason.message, cause=Code.ENGINE_MISSING)


def refused_by(node: str, worker: ModelWorker, status: ExitStatus) -> Failure:
    """Why it has to load elsewhere, or later."""
    what = "insufficient memory: " if status.cause is None else ""
    reason = f"{what}node {node} refused {worker.name}: {status.reason}"
    return Failure(status.cause or Code.INSUFFICIENT_MEMORY, reason, retryable=True)


def explain(worker: ModelWorker, status: ExitStatus, tail: str) -> Failure:
    """Why it has ended: as was wanted, or what is found out. `tail` is the end of its stderr."""
    if worker.state.planned and worker.state.reason is not None:
        return worker.state.reason
    return lifecycle.explain(worker.state, status, tail)
