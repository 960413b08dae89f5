"""What the supervisor says when it refuses or ends a request."""

from ai_pal.counted import counted
from ai_pal.errors import Code, Failure
from ai_pal.server.pool.jobs.job import WorkerJob
from ai_pal.server.pool.members.model_worker import ModelWorker

CLOSING = Failure(
    Code.SHUTTING_DOWN, "the supervisor is shutting down", "ask again in a moment", retryable=True
)
UNLOADED = Failure(Code.UNLOADED, "the model was unloaded on request", "ask again to load it", retryable=True)
DRAINED = Failure(
    Code.UNLOADED, "its node was drained: the next request has it on another", "ask again", retryable=True
)
REPLACED = Failure(
    Code.UNLOADED,
    "the model was replaced: its file or its settings have changed",
    "ask again",
    retryable=True,
)
IGNORED_CANCEL = Failure(Code.WORKER_HUNG, "the worker ignored a cancel", "ask again", retryable=True)


def overloaded(worker: ModelWorker) -> Failure:
    count = len(worker.queue)
    message = f"{worker.model} is overloaded: {counted(count, 'request')} {'waits' if count == 1 else 'wait'}"
    return Failure(Code.OVERLOADED, message, "try again later", retryable=True, retry_after=1.0)


def late(request: WorkerJob) -> Failure:
    return Failure(
        Code.DEADLINE_EXCEEDED,
        f"the deadline of {request.job.deadline:g} s passed",
        "allow more time: `deadline`",
        retryable=True,
    )
