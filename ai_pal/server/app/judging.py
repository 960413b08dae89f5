"""How hard a prompt is, for the router: a judge that fails costs the judgement, never the answer."""

from ai_pal.logs import get_logger
from ai_pal.protocol.content import Message
from ai_pal.server.router import complexity
from ai_pal.server.router.complexity import Scored

UNJUDGED = Scored(0.0, [])
"""As if it were simple: then it stays here as long as it can."""

log = get_logger("ai_pal")


def judge(messages: list[Message]) -> Scored:
    """The score of a conversation."""
    try:
        return complexity.explain(messages)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, somebody waits for an answer
        log.error("judge_failed", error=type(error).__name__)
        return UNJUDGED
