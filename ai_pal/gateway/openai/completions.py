"""POST /v1/completions: a text that is gone on with, or whose middle is filled in. Pure."""

import secrets
import time
from typing import Annotated, Any

import msgspec

from ai_pal.client.requests import Raw
from ai_pal.gateway.answering.filtered import Filtered
from ai_pal.gateway.answering.several import side_by_side
from ai_pal.gateway.asking import wishes
from ai_pal.gateway.asking.asked import Asked, Begin, complete
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
from ai_pal.gateway.openai.completion_answer import CompletionStream
from ai_pal.gateway.openai.embeddings import Token
from ai_pal.gateway.openai.local import Local, local_wishes, most_tokens
from ai_pal.gateway.wire.bodies import BodyError, converted, decoded
from ai_pal.protocol import client as wire


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
            writer.tells = writer.holds = tells
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
