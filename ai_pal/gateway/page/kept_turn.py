"""What has come of an answer as a turn of its conversation. Pure."""

from ai_pal.conversations.model import Conversation, Figures
from ai_pal.gateway.page.shown import Shown
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Text
from ai_pal.protocol.usage import Timings, Usage


def add_turn(conversation: Conversation, shown: Shown, window: int = 0, written_by: str = "") -> bool:
    """Put what has come into the conversation; False where nothing has. `window` is that of the model, and
    `written_by` the process that has more of it to come."""
    end, by = shown.end, shown.started or wire.Started(0, 0, "", "")
    before = len(conversation.turns)
    if isinstance(end, wire.Failed):
        return False
    timings = end.timings if end else Timings()
    conversation.answered(
        shown.parts.text,
        by.model,
        interrupted=not isinstance(end, wire.Done),
        tier=by.tier,
        provider=by.provider,
        remote=by.remote,
        usage=end.usage if end else Usage(),
        beside=[part for part in shown.parts.parts if not isinstance(part, Text)],
        figures=Figures(
            end.cost if end else (None if by.remote else 0.0),
            round(timings.first_token, 3),
            round(timings.tokens_per_second, 2),
            round(shown.thought, 2),
            by.why,
            window,
            end.doubt if isinstance(end, wire.Done) else None,
            shown.unsure,
            written_by,
        ),
    )
    return len(conversation.turns) > before
