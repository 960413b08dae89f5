"""What can go wrong inside a stream, in the words of each API."""

import json
from typing import Any

from ai_pal.protocol.provider import Api


def _sse(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()


def _data(**data: Any) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def _line(**data: Any) -> bytes:
    return json.dumps(data).encode() + b"\n"


TYPES: dict[Api, str] = {
    "ollama": "application/x-ndjson",
    "openai": "text/event-stream",
    "anthropic": "text/event-stream",
    "cohere": "text/event-stream",
}

PING: dict[Api, bytes] = {
    "ollama": b"\n",
    "openai": b": keep-alive\n\n",
    "anthropic": _sse("ping"),
    "cohere": b": keep-alive\n\n",
}
"""A sign of life that says nothing."""

MALFORMED: dict[Api, bytes] = {
    "ollama": b'{"message": {"content": "lo\n',
    "openai": b'data: {"choices": [{"delta": {"content": "lo\n\n',
    "anthropic": b'event: content_block_delta\ndata: {"type": "content_block_delta", "delta": {"te\n\n',
    "cohere": b'event: content-delta\ndata: {"type": "content-delta", "delta": {"mess\n\n',
}
"""An event that was cut."""

ERROR: dict[Api, bytes] = {
    "ollama": _line(error="an error was encountered while running the model: unexpected EOF"),
    "openai": _data(error={"message": "The server had an error", "type": "server_error"}),
    "anthropic": _sse("error", error={"type": "overloaded_error", "message": "Overloaded"}),
    "cohere": _sse("message-end", delta={"finish_reason": "ERROR", "error": "internal", "usage": {}}),
}

EMPTY: dict[Api, bytes] = {
    "ollama": _line(model="m", message={"content": ""}, done=True, done_reason="stop"),
    "openai": _data(id="1", choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    + b"data: [DONE]\n\n",
    "anthropic": _sse(
        "message_start",
        message={"id": "1", "type": "message", "role": "assistant", "content": [], "model": "m", "usage": {}},
    )
    + _sse("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 0})
    + _sse("message_stop"),
    "cohere": _sse("message-end", delta={"finish_reason": "COMPLETE", "usage": {}}),
}
"""The proper end of an answer."""


def answered(api: Api, figure: object) -> bytes:
    """A whole answer, "yes", whose provider says this of every number of tokens."""
    usage = {"prompt_tokens": figure, "completion_tokens": figure, "total_tokens": figure}
    delta: dict[str, Any] = {"message": {"content": {"type": "text", "text": "yes"}}}
    return {
        "ollama": _line(model="m", message={"content": "yes"})
        + _line(model="m", done=True, done_reason="stop", prompt_eval_count=figure, eval_count=figure),
        "openai": _data(id="1", model="m", choices=[{"index": 0, "delta": {"content": "yes"}}])
        + _data(id="1", model="m", choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
        + _data(id="1", model="m", choices=[], usage=usage)
        + b"data: [DONE]\n\n",
        "anthropic": _sse(
            "message_start",
            message={
                "id": "1",
                "type": "message",
                "role": "assistant",
                "content": [],
                "model": "m",
                "usage": {"input_tokens": figure, "output_tokens": figure},
            },
        )
        + _sse("content_block_start", index=0, content_block={"type": "text", "text": ""})
        + _sse("content_block_delta", index=0, delta={"type": "text_delta", "text": "yes"})
        + _sse("content_block_stop", index=0)
        + _sse("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": figure})
        + _sse("message_stop"),
        "cohere": _sse("content-delta", index=0, delta=delta)
        + _sse(
            "message-end",
            delta={
                "finish_reason": "COMPLETE",
                "usage": {"tokens": {"input_tokens": figure, "output_tokens": figure}},
            },
        ),
    }[api]
