"""What both conversations share: chat messages, sampling options, usage and timings."""

from typing import Any, Literal

import msgspec

Role = Literal["system", "user", "assistant"]


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation."""

    role: Role
    content: str


class Options(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sampling options; None means the engine's default. `extra` is passed to the engine as is."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: list[str] = msgspec.field(default_factory=list)
    extra: dict[str, Any] = msgspec.field(default_factory=dict)

    def over(self, defaults: "Options") -> "Options":
        """These options, and the defaults where they leave something out."""
        return Options(
            temperature=defaults.temperature if self.temperature is None else self.temperature,
            top_p=defaults.top_p if self.top_p is None else self.top_p,
            max_tokens=defaults.max_tokens if self.max_tokens is None else self.max_tokens,
            seed=defaults.seed if self.seed is None else self.seed,
            stop=self.stop or defaults.stop,
            extra=defaults.extra | self.extra,
        )


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Token counts of one answer; `cached_tokens` of the prompt came from the prompt cache."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


class Timings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Seconds. `queued` and `first_token` count from acceptance, the latter is 0 where nothing came; the rest
    is what the engine measured."""

    queued: float = 0.0
    first_token: float = 0.0
    total: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0
    tokens_per_second: float = 0.0
