"""POST /v1/completions: a text that is gone on with, or whose middle is filled in. Pure."""

import secrets
import time
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.errors import Failure, main_reason
from ai_pal.gateway import wishes
from ai_pal.gateway.asked import Asked, Begin, complete
from ai_pal.gateway.bodies import BodyError, decoded
from ai_pal.gateway.openai.chat_answer import DONE, event, progress, usage_of
from ai_pal.gateway.openai.chat_request import (
    Penalty,
    Share,
    StreamOptions,
    Temperature,
    biases_of,
)
from ai_pal.gateway.openai.choices import Choice, number_of, one_or_several, seed_of
from ai_pal.gateway.openai.errors import error_of
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import TokenLogprob
from ai_pal.protocol.usage import Usage

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
    prompts = _prompts(asked.prompt)
    n = number_of(asked.n, len(prompts))
    if asked.best_of not in (None, n):
        raise BodyError("all answers are given, none is chosen", "best_of", "leave it out, and say n")
    if asked.echo and asked.logprobs is not None:
        raise BodyError("the probabilities of the prompt's own tokens cannot be had", "echo")
    how: dict[str, Any] = {
        "model": asked.model,
        "max_tokens": USUAL_TOKENS if asked.max_tokens is None else asked.max_tokens,
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "stop": wishes.stops(asked.stop),
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
    wants_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    name, created = f"cmpl-{secrets.token_hex(12)}", int(time.time())
    begins: list[Begin] = []
    writers: list[Choice] = []
    for prompt in prompts:
        for number in range(n):
            begins.append(complete(prompt, asked.suffix, {**how, "seed": seed_of(asked.seed, number)}))
            before = prompt if asked.echo else ""
            index = len(writers)
            writers.append(
                CompletionStream(name, asked.model, created, before, include_usage=wants_usage, index=index)
            )
    return one_or_several(begins, writers, n, stream=bool(asked.stream))


def _prompts(given: str | list[str | int | list[int]]) -> list[str]:
    if isinstance(given, str):
        return [given]
    texts = [one for one in given if isinstance(one, str)]
    if not texts or len(texts) != len(given):
        raise BodyError("a prompt is a text", "prompt", "send the text in place of its tokens")
    return texts


class CompletionStream:
    """Writes one text, the only one or the one with this `index`. `echo` is what goes before it."""

    media_type = "text/event-stream"

    thought = 0

    def __init__(
        self, answer_id: str, model: str, created: int, echo: str, *, include_usage: bool, index: int
    ) -> None:
        self._id, self._model, self._created = answer_id, model, created
        self._echo, self._include_usage, self._index = echo, include_usage, index

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
        return self.body(answer, [self.choice(answer)], 0)

    def choice(self, answer: Answer) -> dict[str, Any]:
        """This text among others."""
        return self._choice(self._echo + answer.text, answer.finish_reason, answer.logprobs)

    def body(self, answer: Answer, choices: list[dict[str, Any]], thought: int) -> bytes:
        """The body that holds these."""
        self._model = self._model or answer.model
        return _json({**self._fields(choices), "usage": usage_of(answer.usage, thought)})

    def ended(self, done: wire.Done) -> bytes:
        """The last chunk of this text."""
        return self._begin() + event(self._fields([self._choice("", done.finish_reason)]))

    def closing(self, usage: Usage, thought: int) -> bytes:
        """The end of the stream."""
        if not self._include_usage:
            return DONE
        return event({**self._fields([]), "usage": usage_of(usage, thought)}) + DONE

    def _event(self, event_: wire.AnyEvent) -> bytes:
        match event_:
            case wire.Delta():
                return self._begin() + event(self._fields([self._choice(event_.text)]))
            case wire.Logprobs():
                return event(self._fields([self._choice("", None, event_.tokens)]))
            case wire.Started():
                self._model = self._model or event_.model
            case wire.Done():
                return self.ended(event_) + self.closing(event_.usage, self.thought)
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
        return {"text": text, "index": self._index, "logprobs": said, "finish_reason": reason}


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
