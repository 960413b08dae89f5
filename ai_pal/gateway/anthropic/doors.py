"""Anthropic's routes: what each reads, asks and writes."""

import secrets
from functools import partial
from typing import Any

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.gateway.answering.going_on import going_on
from ai_pal.gateway.anthropic import request
from ai_pal.gateway.anthropic.answer import MessageStream
from ai_pal.gateway.anthropic.messages import conversation
from ai_pal.gateway.anthropic.warming import WarmingStream
from ai_pal.gateway.asking import presets
from ai_pal.gateway.asking.adaptive import as_it_can, can_think
from ai_pal.gateway.asking.asked import Asked, Errand


def messages(body: bytes) -> Asked:
    """POST /v1/messages. Raises `AiPalError`."""
    asked = request.read(body)
    turns, prefill = conversation(asked.system, asked.messages)
    write = MessageStream if asked.max_tokens else WarmingStream
    writer = write(f"msg_{secrets.token_hex(12)}", asked.model, omits=request.omits_thoughts(asked))
    ask, how = partial(going_on, turns, prefill), request.how(asked)
    begin = as_it_can(ask, how) if request.may_think(asked) else ask(how)
    return Asked(begin, bool(asked.stream), writer)


def count_tokens(body: bytes) -> Errand:
    """POST /v1/messages/count_tokens. Raises `AiPalError`."""
    asked = request.read_count(body)
    turns, prefill = conversation(asked.system, asked.messages)
    counting: dict[str, Any] = {**request.what_counts(asked), "prefill": prefill or None}

    async def carry_out(client: AsyncClient) -> bytes:
        if request.may_think(asked) and not await can_think(client, asked.model):
            counting["thinking"] = None
        said, asking = presets.of_count(client, turns, counting)
        return msgspec.json.encode({"input_tokens": int(await client.count_tokens(said, **asking))})

    return Errand(carry_out, reads=asked.model or "")
