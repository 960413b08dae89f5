"""POST /v1/completions: a text that is gone on with, or whose middle is filled in. Pure."""

import secrets
import time
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.errors import Failure, main_reason
from ai_pal.gateway import wishes
from ai_pal.gateway.asked import Asked, complete
from ai_pal.gateway.bodies import BodyError, decoded
from ai_pal.gateway.openai.chat_answer import DONE, event, progress, usage_of
from ai_pal.gateway.openai.chat_request import (
    Penalty,
    Share,
    StreamOptions,
    Temperature,
    biases_of,
)
from ai_pal.gateway.openai.errors import error_of
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import TokenLogprob

_json = msgspec.json.encode


class CompletionBody(msgspec.Struct, forbid_unknown_fields=True):
    """None says nothing. `user` has no meaning here."""

    prompt: str | list[str | int | list[int]]
    model: str = ""
    suffix: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    n: int | None = None
    best_of: int | None = None
    echo: bool | None = None
    logprobs: Annotated[int, msgspec.Meta(ge=0, le=5)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, float] | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    num_ctx: int | None = None
    keep_alive: str | float | None = None
    user: str | None = None


_BODY = msgspec.json.Decoder(CompletionBody)

USUAL_TOKENS = 16
"""OpenAI's default for `max_tokens` here."""


def completions(body: bytes) -> Asked:
    """What is asked. Raises `BodyError`."""
    asked = decoded(body, _BODY)
    prompt = _prompt(asked.prompt)
    for name in ("n", "best_of"):
        if getattr(asked, name) not in (None, 1):
            raise BodyError("one answer at a time: ask again for another", name)
    if asked.echo and asked.logprobs is not None:
        raise BodyError("the probabilities of the prompt's own tokens cannot be had", "echo")
    how: dict[str, Any] = {
        "model": asked.model,
        "max_tokens": USUAL_TOKENS if asked.max_tokens is None else asked.max_tokens,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "stop": wishes.stops(asked.stop),
        "seed": asked.seed,
        "presence_penalty": asked.presence_penalty,
        "frequency_penalty": asked.frequency_penalty,
        "logit_bias": biases_of(asked.logit_bias),
        "logprobs": asked.logprobs,
        "top_k": asked.top_k,
        "min_p": asked.min_p,
        "repeat_penalty": asked.repeat_penalty,
        "context": asked.num_ctx,
        "keep_alive": wishes.keep_alive(asked.keep_alive),
    }
    options = asked.stream_options
    writer = CompletionStream(
        asked.model, prompt if asked.echo else "", include_usage=bool(options and options.include_usage)
    )
    return Asked(complete(prompt, asked.suffix, how), bool(asked.stream), writer)


def _prompt(given: str | list[str | int | list[int]]) -> str:
    if isinstance(given, str):
        return given
    if len(given) == 1 and isinstance(given[0], str):
        return given[0]
    if given and isinstance(given[0], str):
        raise BodyError("one text at a time: ask again for another", "prompt")
    raise BodyError("a prompt is a text", "prompt", "send the text in place of its tokens")


class CompletionStream:
    """Writes one text. `echo` is what goes before it."""

    media_type = "text/event-stream"

    def __init__(self, model: str, echo: str, *, include_usage: bool) -> None:
        self._id, self._created = f"cmpl-{secrets.token_hex(12)}", int(time.time())
        self._model, self._echo, self._include_usage = model, echo, include_usage

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these become."""
        return b"".join(map(self._event, events))

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """A comment, which every reader of events passes over."""
        return f": {progress(latest)}\n\n".encode()

    def broken(self, failure: Failure) -> bytes:
        """An error in place of the rest."""
        return event(error_of(failure))

    def whole(self, answer: Answer) -> bytes:
        """All of it in one body."""
        self._model = self._model or answer.model
        choice = self._choice(self._echo + answer.text, answer.finish_reason, answer.logprobs)
        return _json({**self._fields([choice]), "usage": usage_of(answer.usage)})

    def _event(self, event_: wire.AnyEvent) -> bytes:
        match event_:
            case wire.Delta():
                return self._begin() + event(self._fields([self._choice(event_.text)]))
            case wire.Logprobs():
                return event(self._fields([self._choice("", None, event_.tokens)]))
            case wire.Started():
                self._model = self._model or event_.model
            case wire.Done():
                end = self._begin() + event(self._fields([self._choice("", event_.finish_reason)]))
                if self._include_usage:
                    end += event({**self._fields([]), "usage": usage_of(event_.usage)})
                return end + DONE
            case wire.Failed():
                return self.broken(main_reason(event_.reasons))
            case wire.Interrupted():
                return self.broken(event_.reason)
        return b""

    def _begin(self) -> bytes:
        echo, self._echo = self._echo, ""
        return event(self._fields([self._choice(echo)])) if echo else b""

    def _fields(self, choices: list[Any]) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }

    def _choice(
        self, text: str, reason: str | None = None, tokens: Sequence[TokenLogprob] = ()
    ) -> dict[str, Any]:
        said = _logprobs(tokens) if tokens else None
        return {"text": text, "index": 0, "logprobs": said, "finish_reason": reason}


def _logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """As lists side by side, with the offset of each token in the text."""
    texts = [token.data.decode(errors="replace") for token in tokens]
    offsets, at = [], 0
    for text in texts:
        offsets.append(at)
        at += len(text)
    return {
        "tokens": texts,
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [
            {other.data.decode(errors="replace"): other.logprob for other in token.top} for token in tokens
        ],
        "text_offset": offsets,
    }
