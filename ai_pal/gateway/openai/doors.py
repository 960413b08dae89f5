"""OpenAI's routes: what each reads, asks and writes."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ai_pal.catalog.inventory.details import Details
from ai_pal.client import AsyncClient
from ai_pal.config.model_names import short
from ai_pal.gateway.answering.going_on import going_on
from ai_pal.gateway.anthropic.models import listed, listed_model
from ai_pal.gateway.asking import facts
from ai_pal.gateway.asking.askable import OWNER, Askable, askable, one_of
from ai_pal.gateway.asking.asked import Asked
from ai_pal.gateway.openai import chat_request
from ai_pal.gateway.openai.chat_answer import ChatStream
from ai_pal.gateway.openai.choices import number_of, one_or_several, seed_of

VERSION = "anthropic-version"
"""The header that tells Anthropic's clients: both protocols have these addresses."""


def chat_completions(body: bytes) -> Asked:
    """POST /v1/chat/completions. Raises `AiPalError`."""
    asked = chat_request.read(body)
    wants_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    name, created = f"chatcmpl-{secrets.token_hex(12)}", int(time.time())
    (messages, given), how = chat_request.messages_of(asked), chat_request.how(asked)
    n = number_of(asked.n)
    told = {"include_usage": wants_usage, "thoughts": not chat_request.hides_thoughts(asked)}
    told |= {"functions": asked.functions is not None, "probabilities": bool(asked.logprobs)}
    writers = [ChatStream(name, asked.model, created, index=index, **told) for index in range(n)]
    begins = [
        going_on(messages, given, {**how, "seed": seed_of(how.get("seed"), index)}) for index in range(n)
    ]
    return one_or_several(begins, writers, n, stream=bool(asked.stream))


async def models(client: AsyncClient, said: Mapping[str, str]) -> bytes:
    """GET /v1/models: what can be asked."""
    found = await askable(client)
    if VERSION in said:
        return msgspec.json.encode(listed([(one.name, one.known) for one in found], said))
    return msgspec.json.encode({"object": "list", "data": [_model(one) for one in found]})


async def model(client: AsyncClient, path: Mapping[str, str]) -> bytes:
    """GET /v1/models/{id}. Raises `AiPalError` (`model_not_found`)."""
    asked = path["id"]
    every = await client.models()
    found = next((one for one in every if one.name in (asked, short(asked))), None)
    if found is not None and found.state != "elsewhere":
        known = await facts.details_by_name(client, [found.name] if found.here else [])
        one = Askable(found.name, OWNER, known.get(found.name, Details()), found)
    else:
        one = await one_of(client, asked)
    return msgspec.json.encode(listed_model(one.name, one.known) if VERSION in path else _model(one))


def _model(one: Askable) -> dict[str, Any]:
    context = one.known.context
    window = {"context_length": context, "max_model_len": context} if context else {}
    return {
        "id": one.name,
        "object": "model",
        "created": int(one.known.modified or (one.info and one.info.last_used) or 0),
        "owned_by": one.owner,
        **window,
    }
