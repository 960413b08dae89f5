"""OpenAI's routes: what each reads, asks and writes."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ai_pal.catalog.details import Details
from ai_pal.client import AsyncClient
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway import facts
from ai_pal.gateway.asked import Asked, chat
from ai_pal.gateway.openai import chat_request
from ai_pal.gateway.openai.chat_answer import ChatStream
from ai_pal.gateway.openai.choices import number_of, one_or_several, seed_of
from ai_pal.protocol import client as wire

OWNER = "ai-pal"


def chat_completions(body: bytes) -> Asked:
    """POST /v1/chat/completions. Raises `AiPalError`."""
    asked = chat_request.read(body)
    wants_usage = bool(asked.stream_options and asked.stream_options.include_usage)
    name, created = f"chatcmpl-{secrets.token_hex(12)}", int(time.time())
    messages, how = chat_request.messages_of(asked), chat_request.how(asked)
    n = number_of(asked.n)
    writers = [
        ChatStream(name, asked.model, created, include_usage=wants_usage, index=index) for index in range(n)
    ]
    begins = [chat(messages, {**how, "seed": seed_of(asked.seed, index)}) for index in range(n)]
    return one_or_several(begins, writers, n, stream=bool(asked.stream))


async def models(client: AsyncClient, _: Mapping[str, str]) -> bytes:
    """GET /v1/models: what is on this machine."""
    here = await client.models(here=True)
    known = await facts.details_by_name(client, [one.name for one in here])
    found = [_model(one, known.get(one.name, Details())) for one in here]
    return msgspec.json.encode({"object": "list", "data": found})


async def model(client: AsyncClient, path: Mapping[str, str]) -> bytes:
    """GET /v1/models/{id}. Raises `AiPalError` (`model_not_found`)."""
    for one in await client.models():
        if one.name == path["id"]:
            known = await facts.details_by_name(client, [one.name] if one.here else [])
            return msgspec.json.encode(_model(one, known.get(one.name, Details())))
    raise AiPalError(
        Failure(
            Code.MODEL_NOT_FOUND, f"there is no model {path['id']!r}", "GET /v1/models lists what is here"
        )
    )


def _model(info: wire.ModelInfo, known: Details) -> dict[str, Any]:
    window = {"context_length": known.context, "max_model_len": known.context} if known.context else {}
    return {
        "id": info.name,
        "object": "model",
        "created": int(info.last_used or 0),
        "owned_by": OWNER,
        **window,
    }
