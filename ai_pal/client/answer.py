"""A whole answer, gathered from its events."""

from typing import Any

import msgspec

from ai_pal.client.parts import Parts
from ai_pal.errors import AiPalError, main_reason
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message, TokenLogprob, ToolCall
from ai_pal.protocol.usage import Timings, Usage


class Answer(msgspec.Struct):
    """What was answered, and by whom. `text` is without what was thought (`reasoning`); `message` is all of
    it, as the turn that goes before the next question. `tier` 1 is this machine, 2 Ollama, 3 a cloud;
    `remote`: the prompt has left this machine. `score` is the complexity where it was judged, `cost` in US
    dollars, None where nobody knows the price. `stop` is the stop text that came. `value` is the object
    where a schema was given, `doubt` how much a model of this machine doubted its answer, from 0 to 1, where
    that is known, and `conversation` all that was said where tools were run."""

    parts: Parts = msgspec.field(default_factory=Parts)
    model: str = ""
    provider: str = ""
    tier: int = 0
    why: str = ""
    score: float | None = None
    remote: bool = False
    cost: float | None = 0.0
    finish_reason: str = ""
    stop: str = ""
    usage: Usage = Usage()
    timings: Timings = Timings()
    notices: list[wire.Notice] = msgspec.field(default_factory=list)
    value: Any = None
    doubt: float | None = None
    conversation: list[Message] = msgspec.field(default_factory=list)

    def take(self, event: wire.AnyEvent) -> None:
        """Add one event. Raises `AiPalError` when the request failed or was interrupted."""
        self.parts.take(event)
        match event:
            case wire.Started():
                self.model, self.provider, self.tier = event.model, event.provider, event.tier
                self.why, self.score, self.remote = event.why, event.score, event.remote
            case wire.Notice():
                self.notices.append(event)
            case wire.Done():
                self.finish_reason, self.stop, self.doubt = event.finish_reason, event.stop, event.doubt
                self.usage, self.timings, self.cost = event.usage, event.timings, event.cost
            case wire.Failed():
                raise AiPalError(main_reason(event.reasons))
            case wire.Interrupted():
                raise AiPalError(event.reason)
            case wire.Cancelled():
                self.finish_reason = "cancelled"
                self.usage, self.timings, self.cost = event.usage, event.timings, event.cost

    @property
    def text(self) -> str:
        """What it says."""
        return self.parts.text

    @property
    def reasoning(self) -> str:
        """What was thought before."""
        return self.parts.reasoning

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tools that are to be run before it goes on."""
        return self.parts.tool_calls

    @property
    def message(self) -> Message:
        """The answer as a turn of the conversation."""
        return self.parts.message

    @property
    def logprobs(self) -> list[TokenLogprob]:
        """The probabilities of its tokens, where they were asked for."""
        return self.parts.logprobs

    @property
    def prompt_logprobs(self) -> list[TokenLogprob]:
        """The same of the prompt's own tokens; one with nothing before it has minus infinity."""
        return self.parts.prompt_logprobs
