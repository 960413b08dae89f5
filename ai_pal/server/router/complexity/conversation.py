"""A conversation as a whole: a short 'and why?' after a proof is as hard as the proof, a 'thanks' is not."""

from collections.abc import Callable

from ai_pal.protocol.content import Message
from ai_pal.server.router.complexity.followups import dependence
from ai_pal.server.router.complexity.scored import Feature, Scored

TURNS = 8  # how many of the user's last turns count
DECAY = 0.95  # what an earlier turn loses with each turn after it
SYSTEM = 0.05  # how much of the way to 1 the hardest system message can move the score


def blend(messages: list[Message], judge: Callable[[str], Scored]) -> Scored:
    """The score of the last user turn, or the decayed score of an earlier turn that it leans on."""
    turns = [message.text for message in messages if message.role == "user" and not _blank(message.text)]
    if not turns:
        return Scored(score=0.0, features=[])
    last = judge(turns[-1])
    best, shown = last.score, last.features
    earlier = turns[-TURNS:-1]
    leaning = dependence(turns[-1], earlier) if earlier else 0.0
    for age, text in enumerate(reversed(earlier), start=1):
        if (share := leaning * DECAY**age) <= best:
            break
        scored = judge(text)
        if scored.score * share > best:
            best = scored.score * share
            shown = [Feature("earlier turn", round(best - last.score, 3)), *scored.features]
    system = max((judge(m.text).score for m in messages[:2] if m.role == "system"), default=0.0)
    return Scored(score=round(best + SYSTEM * system * (1 - best), 6), features=shown)


def _blank(text: str) -> bool:
    return not text or text.isspace()
