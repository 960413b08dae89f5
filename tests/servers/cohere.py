"""Cohere's v2 chat stream as its API reference writes it, from a deterministic echo.

https://docs.cohere.com/v2/reference/chat-stream
"""

import asyncio
import itertools
import json
from typing import Any

from tests.servers.loopback import Exchange

KEY, MODEL = "cohere-test-key", "command"


async def cohere(exchange: Exchange) -> None:
    """Answer one request. Says the last message over and over, a word a token, 50 tokens unless told."""
    if exchange.headers.get("authorization") != f"Bearer {KEY}":
        await exchange.answer_json(401, {"message": "invalid api token"})
    elif exchange.path.startswith("/v1/models"):
        await exchange.answer_json(200, {"models": [{"name": MODEL, "endpoints": ["chat"]}]})
    elif exchange.path != "/v2/chat":
        await exchange.answer_json(404, {"message": "not found"})
    else:
        await _chat(exchange, json.loads(exchange.body))


async def _chat(exchange: Exchange, asked: dict[str, Any]) -> None:
    if asked["model"] != MODEL:
        message = f"model '{asked['model']}' not found, make sure the correct model ID was used"
        await exchange.answer_json(404, {"message": message})
        return
    assert asked["stream"] is True
    words = asked["messages"][-1]["content"].split()
    limit, cut = asked.get("max_tokens", 50), "max_tokens" in asked
    await exchange.begin("text/event-stream")
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    await _event(exchange, "message-start", id="29f14a5a", delta={"message": start})
    empty = {"message": {"content": {"type": "text", "text": ""}}}
    await _event(exchange, "content-start", index=0, delta=empty)
    for word in itertools.islice(itertools.cycle(words), limit):
        await asyncio.sleep(0.005)
        delta = {"message": {"content": {"text": f"{word} "}}}
        await _event(exchange, "content-delta", index=0, delta=delta)
    await _event(exchange, "content-end", index=0)
    prompt = sum(len(message["content"].split()) for message in asked["messages"])
    figures = {"input_tokens": prompt, "output_tokens": limit}
    end = {
        "finish_reason": "MAX_TOKENS" if cut else "COMPLETE",
        "usage": {"billed_units": figures, "tokens": figures},
    }
    await _event(exchange, "message-end", delta=end)
    await exchange.end()


async def _event(exchange: Exchange, kind: str, **fields: Any) -> None:
    data = json.dumps({"type": kind, **fields})
    await exchange.piece(f"event: {kind}\ndata: {data}\n\n".encode())
