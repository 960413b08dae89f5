"""POST /v1/completions: a text that is gone on with, or whose middle is filled in. Pure."""

import secrets
import time
from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Any

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.client.requests import Raw
from ai_pal.errors import Failure, main_reason
from ai_pal.gateway.answering.filtered import Filtered
from ai_pal.gateway.answering.several import side_by_side
from ai_pal.gateway.asking import wishes
from ai_pal.gateway.asking.asked import Asked, Begin, complete
from ai_pal.gateway.openai.chat_answer import DONE, event, progress, usage_of
from ai_pal.gateway.openai.chat_request import (
    AnyForm,
    Penalty,
    Share,
    StreamOptions,
    Temperature,
    biases_of,
    form_of,
    only_of_streams,
)
from ai_pal.gateway.openai.choices import Best, Choice, number_of, one_or_several, seed_of
from ai_pal.gateway.openai.embeddings import Token
from ai_pal.gateway.openai.errors import error_of
from ai_pal.gateway.openai.local import Local, local_wishes, most_tokens
from ai_pal.gateway.wire.bodies import BodyError, converted, decoded
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import TokenLogprob
from ai_pal.protocol.usage import Usage

_json = msgspec.json.encode


class CompletionBody(Local, forbid_unknown_fields=True, kw_only=True):
    """None says nothing. `user` has no meaning here."""

    prompt: str | list[str | int | list[int]] | None
    model: str
    suffix: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    n: int | None = None
    best_of: Annotated[int, msgspec.Meta(le=20)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, msgspec.Meta(ge=0, le=5)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, float] | None = None
    user: str | None = None
    # What local servers are asked for.
    response_format: AnyForm | None = None


_BODY = msgspec.json.Decoder(CompletionBody)

USUAL_TOKENS = 16
"""OpenAI's default for `max_tokens` here."""


def completions(body: bytes) -> Asked:
    """What is asked. Raises `BodyError`."""
    asked = decoded(body, _BODY)
    prompts = _prompts(asked.prompt)
    n = number_of(asked.n, len(prompts))
    of = _best_of(asked, n, len(prompts))
    only_of_streams(asked.stream_options, asked.stream)
    tells = asked.logprobs is not None
    if asked.suffix and not all(isinstance(prompt, str) for prompt in prompts):
        raise BodyError("what is filled in stands between texts", "suffix", "send the prompt as a text")
    how: dict[str, Any] = {
        "model": asked.model,
        "max_tokens": _most(asked),
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "stop": wishes.stops(asked.stop),
        "presence_penalty": asked.presence_penalty,
        "frequency_penalty": asked.frequency_penalty,
        "logit_bias": biases_of(asked.logit_bias),
        "logprobs": asked.logprobs if tells or of == n else 0,
        **local_wishes(asked, form_of(asked.response_format)),
    }
    wants_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    name, created = f"cmpl-{secrets.token_hex(12)}", int(time.time())
    begins: list[Begin] = []
    writers: list[Choice] = []
    scored: set[int] = set()
    for prompt in prompts:
        # What tokens say is known where they are told with their probabilities.
        scores = bool(asked.echo) and not asked.suffix and (tells or not isinstance(prompt, str))
        scored |= set(range(len(begins), len(begins) + of)) if scores else set()
        for number in range(of):  # what one tells of the prompt, the others would too
            tells_prompt = {"prompt_logprobs": True} if scores and number == 0 else {}
            own = {**how, **tells_prompt, "seed": seed_of(asked.seed, number)}
            begin = complete(prompt, asked.suffix or None, own)
            begins.append(_unsaid(begin) if 0 in (asked.max_tokens, asked.n_predict) else begin)
        for _ in range(n):
            before = prompt if asked.echo and isinstance(prompt, str) else ""
            index = len(writers)
            writer = CompletionStream(
                name, asked.model, created, before, include_usage=wants_usage, index=index
            )
            writer.tells = tells
            writers.append(writer)
    if of > n:
        best = Best(writers, n, of, scored, tells_probabilities=tells)
        return Asked(side_by_side(begins, of), False, best, of)
    return one_or_several(begins, writers, n, stream=bool(asked.stream), scored=scored)


def _most(asked: CompletionBody) -> int | None:
    """Tokens of a text; for none, one is asked for. Without end is what llama.cpp's clients call -1."""
    most = most_tokens(asked, asked.max_tokens)
    if most is None and asked.n_predict is None:
        return USUAL_TOKENS
    return 1 if most == 0 else most


def _best_of(asked: CompletionBody, n: int, prompts: int) -> int:
    """How many answers to a prompt there are to choose from. Raises `BodyError`."""
    if asked.best_of is None:
        return n
    if asked.best_of < n:
        raise BodyError("out of fewer than n none can be chosen", "best_of", "leave it out, or say more")
    if asked.best_of > n and asked.stream:
        raise BodyError("what is chosen at the end is no stream", "best_of", "leave it out, or stream")
    return number_of(asked.best_of, prompts, "best_of")


def _unsaid(begin: Begin) -> Begin:
    """Asked for one token, since nobody is asked for none; it is not told."""

    def keep(event_: wire.AnyEvent) -> wire.AnyEvent | None:
        if isinstance(event_, wire.Done):
            usage = msgspec.structs.replace(event_.usage, completion_tokens=0)
            return msgspec.structs.replace(event_, usage=usage, finish_reason="length")
        if isinstance(event_, wire.Logprobs) and event_.prompt:
            return event_
        return None if isinstance(event_, wire.Delta | wire.Logprobs) else event_

    return lambda client, said: Filtered(begin(client, said), keep)


def _prompts(given: str | list[str | int | list[int]] | None) -> list[Raw]:
    """A text, texts, or tokens of one or of several; null begins one. Raises `BodyError`."""
    if given is None or isinstance(given, str):
        return [given or ""]
    found: list[Any] = [given] if given and isinstance(given[0], int) else given
    if not found or not all(isinstance(one, str) or one for one in found):
        raise BodyError("there is no prompt", "prompt", "send a text, or tokens")
    return [one if isinstance(one, str) else converted(one, list[Token], "prompt") for one in found]


class CompletionStream:
    """Writes one text, the only one or the one with this `index`. `echo` is what goes before it."""

    media_type = "text/event-stream"

    thought = 0

    def __init__(
        self, answer_id: str, model: str, created: int, echo: str, *, include_usage: bool, index: int
    ) -> None:
        self._id, self._model, self._created = answer_id, model, created
        self._echo, self._include_usage, self._index = echo, include_usage, index
        self._offset = len(echo)
        self.tells = True
        """Whether probabilities are told; where only the echo of tokens is, they are not."""

    def events(self, events: Sequence[wire.AnyEvent]) -> bytes:
        """What these become."""
        return b"".join(map(self._event, events))

    def alive(self, latest: wire.AnyEvent | None) -> bytes:
        """How far it is, as a comment, and a chunk that says nothing, as in chats."""
        return f": {progress(latest)}\n\n".encode() + event(self._fields([self._choice("")]))

    def broken(self, failure: Failure) -> bytes:
        """An error in place of the rest."""
        return event(error_of(failure))

    def whole(self, answer: Answer) -> bytes:
        """All of it in one body."""
        return self.body(answer, [self.choice(answer)], 0)

    def choice(self, answer: Answer) -> dict[str, Any]:
        """This text among others."""
        said = self._echoed(answer.prompt_logprobs)
        text, self._offset = self._echo + answer.text, 0 if said else self._offset
        return self._choice(text, answer.finish_reason, [*said, *answer.logprobs])

    def _echoed(self, prompt: Sequence[TokenLogprob]) -> Sequence[TokenLogprob]:
        """The prompt's tokens, as far as they are told; what they say is the echo, where that is no text."""
        if prompt and not self._echo:
            self._echo = b"".join(token.data for token in prompt).decode(errors="replace")
        return prompt if self.tells else ()

    def body(self, answer: Answer, choices: list[dict[str, Any]], thought: int) -> bytes:
        """The body that holds these."""
        self._model = self._model or answer.model
        return _json({**self._fields(choices), "usage": usage_of(answer.usage, thought)})

    def opening(self) -> bytes:
        """Nothing: a text has no role that would be told first."""
        return b""

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
            case wire.Logprobs(prompt=True):
                said, self._offset = self._echoed(event_.tokens), 0
                echoed = event(self._fields([self._choice(self._echo, None, said)]))
                self._offset, self._echo = len(self._echo), ""
                return echoed
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
        said = None
        if tokens and self.tells:
            said = _logprobs(tokens, self._offset)
            self._offset = said["text_offset"][-1] + len(said["tokens"][-1])
        return {"text": text, "index": self._index, "logprobs": said, "finish_reason": reason}


def _logprobs(tokens: Sequence[TokenLogprob], at: int) -> dict[str, Any]:
    """As lists side by side, with the offset of each token in the text; that of the first is `at`. One with
    nothing before it has no probability."""
    texts = [token.data.decode(errors="replace") for token in tokens]
    offsets = []
    for text in texts:
        offsets.append(at)
        at += len(text)
    return {
        "tokens": texts,
        "token_logprobs": [token.logprob if isfinite(token.logprob) else None for token in tokens],
        "top_logprobs": [
            {other.data.decode(errors="replace"): other.logprob for other in token.top}
            if isfinite(token.logprob)
            else None
            for token in tokens
        ],
        "text_offset": offsets,
    }
