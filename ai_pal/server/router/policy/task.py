"""What a kind of work says about how hard a prompt is: it keeps the score within bounds. Pure."""

from ai_pal.protocol.client import Task
from ai_pal.server.router.policy.query import SIMPLE
from ai_pal.store.ledger import HARD

_EASY = SIMPLE - 0.01
_BOUNDS: dict[Task, tuple[float, float]] = {
    "chat": (0.0, HARD),
    "rewriting": (0.0, _EASY),
    "extraction": (0.0, _EASY),
    "translation": (0.0, HARD),
    "summarization": (0.0, HARD),
    "code": (SIMPLE, 1.0),
    "analysis": (SIMPLE, 1.0),
    "reasoning": (HARD + 0.01, 1.0),
}


def bounded(score: float, task: Task) -> float:
    """The score of a prompt, given what kind of work it is; "" and "general" leave it as it is."""
    low, high = _BOUNDS.get(task, (0.0, 1.0))
    return min(max(score, low), high)
