"""What one answer's own numbers say: what waits to leave of them, and what they come to at its end. Pure."""

from collections.abc import Sequence

from ai_pal.protocol.content import FinishReason, PartKind
from ai_pal.protocol.doubt import FIRST_TOKENS, Doubt
from ai_pal.protocol.options import JsonObject, JsonSchema
from ai_pal.protocol.worker import Generate
from workers.flaws import find_flaws


class Watching:
    """One answer. `wants_json`: it was asked for as JSON. Who tells of tokens leaves thoughts out."""

    def __init__(self, wants_json: bool = False) -> None:
        self.entropies: list[float] = []
        self.logprobs: list[float] = []
        self._wants_json = wants_json
        self._tokens = 0
        self._entropy = self._logprob = 0.0
        self._texts: list[str] = []
        self._calls = False

    def see(self, entropies: Sequence[float], logprobs: Sequence[float]) -> None:
        """Numbers of the next tokens; the first ones wait to leave, of others their sum is enough."""
        first = max(0, FIRST_TOKENS - self._tokens)
        self._entropy += sum(entropies[:first])
        self._logprob += sum(logprobs)
        self._tokens += len(logprobs)
        self.entropies += entropies[:first]
        self.logprobs += logprobs[:first]

    def hear(self, kind: PartKind, text: str) -> None:
        """The next piece of the answer."""
        if kind == "text":
            self._texts.append(text)
        elif kind == "tool_call":
            self._calls = True

    def take(self) -> tuple[list[float], list[float]]:
        """What waits, entropies and logprobs, one of each per token."""
        waiting = self.entropies, self.logprobs
        self.entropies, self.logprobs = [], []
        return waiting

    def doubt(self, finish_reason: FinishReason, *, repeats: bool = False) -> Doubt:
        """All in all; `repeats`: it was stopped because it said the same over and over."""
        text = "".join(self._texts)
        flaws = find_flaws(
            text,
            cut=finish_reason == "length",
            repeats=repeats,
            wants_json=self._wants_json,
            calls=self._calls,
        )
        if not self._tokens:
            return Doubt(flaws=flaws)
        first = min(self._tokens, FIRST_TOKENS)
        return Doubt(self._tokens, self._logprob / self._tokens, self._entropy / first, flaws)


def json_wanted(request: Generate) -> bool:
    """Whether the answer is to be JSON: it is held to a schema, or the last message asks for it."""
    if isinstance(request.options.response_format, JsonObject | JsonSchema):
        return True
    asked = request.messages[-1] if request.messages else None
    return asked is not None and asked.role == "user" and "json" in asked.text.casefold()
