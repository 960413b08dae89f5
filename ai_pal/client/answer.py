"""A whole answer, gathered from its events."""

from collections.abc import Sequence

import msgspec

from ai_pal.errors import AiPalError
from ai_pal.messages import client as wire
from ai_pal.messages.chat import Message, Timings, Usage


class Answer(msgspec.Struct):
    """The text of an answer and who gave it."""

    text: str = ""
    model: str = ""
    provider: str = ""
    tier: int = 0
    finish_reason: str = ""
    usage: Usage = Usage()
    timings: Timings = Timings()
    notices: list[wire.Notice] = msgspec.field(default_factory=list)

    def take(self, event: wire.AnyEvent) -> None:
        """Add one event. Raises `AiPalError` when the request failed or was interrupted."""
        match event:
            case wire.Delta():
                self.text += event.text
            case wire.Started():
                self.model, self.provider, self.tier = event.model, event.provider, event.tier
            case wire.Notice():
                self.notices.append(event)
            case wire.Done():
                self.finish_reason = event.finish_reason
                self.usage, self.timings = event.usage, event.timings
            case wire.Failed():
                raise AiPalError(event.reasons[-1])
            case wire.Interrupted():
                raise AiPalError(event.reason)
            case wire.Cancelled():
                self.finish_reason = "cancelled"
                self.usage, self.timings = event.usage, event.timings


def conversation(prompt: str | Sequence[Message]) -> list[Message]:
    """A prompt as the messages of a chat request."""
    return [Message("user", prompt)] if isinstance(prompt, str) else list(prompt)
