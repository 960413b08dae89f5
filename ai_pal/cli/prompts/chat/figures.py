"""The dim line after an answer, and the sums of a session. No I/O."""

from ai_pal.cli.prompts.chat.answer import ShownAnswer
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.conversations.model import short_name
from ai_pal.conversations.receipts import LOCAL_TIER
from ai_pal.conversations.receipts import place as place_of
from ai_pal.counted import counted
from ai_pal.protocol.client import Started
from ai_pal.providers.dollars import fine


def summary(answer: ShownAnswer) -> str:
    """Who answered and how fast; parts that are not known are left out.

    For example: `smollm2 · this machine · 42 tokens · first 0.12 s · 51.3 tok/s`.
    """
    timings, tokens = answer.timings, answer.usage.completion_tokens
    parts = []
    if answer.started:
        local = answer.started.tier == LOCAL_TIER
        model = answer.started.model
        parts += [short_name(model) if local else model, place(answer.started)]
    if tokens:
        parts.append(counted(tokens, "token"))
    if timings.first_token:
        parts.append(f"first {seconds(timings.first_token)}")
    if timings.tokens_per_second:
        parts.append(f"{timings.tokens_per_second:.1f} tok/s")
    if answer.cost is None:
        parts.append("cost unknown")
    elif answer.cost:
        parts.append(fine(answer.cost))
    if answer.finish_reason in ("length", "cancelled", "interrupted"):
        parts.append(_ENDS["cancelled" if answer.went_round else answer.finish_reason])
    return neutral_line(" · ".join(parts))


def place(started: Started) -> str:
    """Where the answer comes from."""
    return place_of(started.tier, started.provider, remote=started.remote)


_ENDS = {"length": "length limit reached", "cancelled": "stopped", "interrupted": "interrupted"}


def seconds(value: float) -> str:
    """Seconds with as many digits as mean something."""
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


class Totals:
    """Sums over the answers of a session."""

    def __init__(self) -> None:
        self.answers = self.prompt_tokens = self.cached_tokens = self.completion_tokens = 0
        self._begun = 0
        self._decoding = 0.0
        self._first = 0.0

    def add(self, answer: ShownAnswer) -> None:
        """Count one answer; what failed is none."""
        if answer.finish_reason == "failed":
            return
        usage, timings = answer.usage, answer.timings
        self.answers += 1
        self._begun += timings.first_token > 0
        self.prompt_tokens += usage.prompt_tokens
        self.cached_tokens += usage.cached_tokens
        self.completion_tokens += usage.completion_tokens
        self._first += timings.first_token
        if timings.tokens_per_second:
            self._decoding += usage.completion_tokens / timings.tokens_per_second

    def lines(self) -> list[str]:
        """The session so far, for people."""
        if not self.answers:
            return ["no answers yet"]
        lines = [
            f"answers            {self.answers}",
            f"tokens sent        {self.prompt_tokens} ({self.cached_tokens} from the prompt cache)",
            f"tokens answered    {self.completion_tokens}",
            f"first token        {seconds(self._first / max(self._begun, 1))} on average",
        ]
        if self._decoding:
            lines.append(f"speed              {self.completion_tokens / self._decoding:.1f} tok/s on average")
        return lines
