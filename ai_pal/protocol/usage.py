"""What an answer took: tokens and seconds."""

import msgspec


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Token counts of one answer; `cached_tokens` of the prompt came from the prompt cache. Of the answer
    `guessed_tokens` were guessed and checked several at a time, and `right_tokens` of them were right."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    guessed_tokens: int = 0
    right_tokens: int = 0


class Timings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Seconds. `queued` and `first_token` count from acceptance, the latter is 0 where nothing came; the rest
    is what the engine measured."""

    queued: float = 0.0
    first_token: float = 0.0
    total: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0
    tokens_per_second: float = 0.0
