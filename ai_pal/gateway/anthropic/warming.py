"""An answer of no tokens (`max_tokens: 0`): the prompt is read, and the next goes on from it. Pure."""

from collections.abc import Sequence

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.gateway.anthropic.answer import MessageStream
from ai_pal.protocol import client as wire


class WarmingStream(MessageStream):
    """Writes what is left of an answer of one token, which no engine can do without."""

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these become."""
        kept = [_silent(one) for one in events if not isinstance(one, wire.Delta)]
        return super().events(kept)

    def whole(self, answer: Answer) -> bytes:
        """All of it in one message."""
        said = Answer(model=answer.model)
        said.take(_silent(wire.Done(0, usage=answer.usage, timings=answer.timings)))
        return super().whole(said)


def _silent(event: wire.AnyEvent) -> wire.AnyEvent:
    if not isinstance(event, wire.Done):
        return event
    usage = msgspec.structs.replace(event.usage, completion_tokens=0)
    return msgspec.structs.replace(event, finish_reason="length", stop="", usage=usage)
