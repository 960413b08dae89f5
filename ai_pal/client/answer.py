"""A whole answer, gathered from its events."""

from collections.abc import Sequence

import msgspec

from ai_pal.errors import AiPalError, main_reason
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.usage import Timings, Usage


class Answer(msgspec.Struct):
    """The text of an answer and who gave it. `tier` 1 is this machine, 2 Ollama, 3 a cloud; `remote`: the
    prompt has left this machine. `score` is the complexity where it was judged, `cost` in US dollars, None
    where nobody knows the price."""

    text: str = ""
    model: str = ""
    provider: str = ""
    tier: int = 0
    why: str = ""
    score: float | None = None
    remote: bool = False
    cost: float | None = 0.0
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
                self.why, self.score, self.remote = event.why, event.score, event.remote
            case wire.Notice():
                self.notices.append(event)
            case wire.Done():
                self.finish_reason = event.finish_reason
                self.usage, self.timings, self.cost = event.usage, event.timings, event.cost
            case wire.Failed():
                raise AiPalError(main_reason(event.reasons))
            case wire.Interrupted():
                raise AiPalError(event.reason)
            case wire.Cancelled():
                self.finish_reason = "cancelled"
                self.usage, self.timings, self.cost = event.usage, event.timings, event.cost


def conversation(prompt: str | Sequence[Message]) -> list[Message]:
    """A prompt as the messages of a chat request."""
    return [Message("user", prompt)] if isinstance(prompt, str) else list(prompt)
