"""What the end of a worker's process means to the pool."""

import pytest

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.errors import Code, Failure
from ai_pal.protocol.worker import LoadModel
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool.jobs.fair_queue import FairQueue
from ai_pal.server.pool.lifecycle import Phase, State
from ai_pal.server.pool.members.group import Group
from ai_pal.server.pool.members.model_worker import ModelWorker
from ai_pal.server.pool.running import exits

MISSING = Code.ENGINE_MISSING
LACKS = Failure(MISSING, "vllm is not installed")
IDLE = Failure(Code.UNLOADED, "idle for 300 s")
EXITED = ExitStatus(3)


def worker_in(phase: Phase, reason: Failure | None, node: str = "", *, planned: bool = False) -> ModelWorker:
    worker = ModelWorker(Group(Resolved(LoadModel("m", "echo")), FairQueue(1), FairQueue(1), 0.0))
    worker.state, worker.node = State(phase=phase, reason=reason, planned=planned), node
    return worker


@pytest.mark.parametrize(
    ("phase", "reason", "node", "refused"),
    [
        (Phase.LOADING, LACKS, "far", True),
        (Phase.LOADING, LACKS, "", False),
        (Phase.READY, LACKS, "far", False),
        (Phase.LOADING, IDLE, "far", False),
        (Phase.LOADING, None, "far", False),
    ],
)
def test_a_node_without_the_engine_refuses(
    phase: Phase, reason: Failure | None, node: str, refused: bool
) -> None:
    status = exits.as_refusal(worker_in(phase, reason, node), EXITED)
    assert status == (ExitStatus(refused=True, reason=LACKS.message, cause=MISSING) if refused else EXITED)


def test_a_refusal_without_a_cause_is_for_want_of_memory() -> None:
    worker = worker_in(Phase.LOADING, None, "far")
    short = exits.refused_by("far", worker, ExitStatus(refused=True, reason="2 GB is free"))
    lacking = exits.refused_by("far", worker, ExitStatus(refused=True, reason="no", cause=MISSING))
    assert (short.code, short.retryable) == (Code.INSUFFICIENT_MEMORY, True)
    assert short.message == "insufficient memory: node far refused m: 2 GB is free"
    assert (lacking.code, lacking.message) == (Code.ENGINE_MISSING, "node far refused m: no")


def test_what_was_wanted_is_the_reason_and_a_crash_has_its_last_words() -> None:
    assert exits.explain(worker_in(Phase.STOPPING, IDLE, planned=True), EXITED, "words") is IDLE
    crash = exits.explain(worker_in(Phase.READY, None), EXITED, "words")
    assert (crash.code, crash.detail) == (Code.WORKER_DIED, "words")
