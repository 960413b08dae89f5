"""Ollama, OpenAI, Anthropic and Cohere on one loopback port, with nothing to compute. Under `/hang` requests
are taken and met with silence.

python -m scripts.benchmarks.echo_clouds WORDS PACE      answers of WORDS words, PACE seconds apart
"""

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.loopback import Exchange, Loopback
from tests.servers.processes import serving

SSE, LINES = "text/event-stream", "application/x-ndjson"


class EchoClouds:
    """Answers whatever it is asked."""

    def __init__(self, words: int, pace: float) -> None:
        self._words, self._pace = words, pace

    async def answer(self, exchange: Exchange) -> None:
        match exchange.path.partition("?")[0]:
            case "/api/chat":
                await self._say(exchange, LINES, OLLAMA)
            case "/v1/chat/completions":
                await self._say(exchange, SSE, OPENAI)
            case "/v1/messages":
                await self._say(exchange, SSE, ANTHROPIC)
            case "/v2/chat":
                await self._say(exchange, SSE, COHERE)
            case _:
                await exchange.hang()

    async def _say(self, exchange: Exchange, kind: str, events: tuple[bytes, bytes, bytes]) -> None:
        begin, word, end = events
        await exchange.begin(kind)
        if begin:
            await exchange.piece(begin)
        for _ in range(self._words):
            await exchange.piece(word)
            if self._pace:
                await asyncio.sleep(self._pace)
        await exchange.piece(end)
        await exchange.end()


def _line(**data: object) -> bytes:
    return json.dumps(data).encode() + b"\n"


def _data(**data: object) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def _event(kind: str, **data: object) -> bytes:
    return f"event: {kind}\n".encode() + _data(type=kind, **data)


def _chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return _data(id="1", object="chat.completion.chunk", created=1, model="m", choices=[choice])


OLLAMA = (
    b"",
    _line(model="m", message={"role": "assistant", "content": "word "}, done=False),
    _line(model="m", message={"role": "assistant", "content": ""}, done=True, done_reason="stop"),
)
OPENAI = (
    _chunk({"role": "assistant"}),
    _chunk({"content": "word "}),
    _chunk({}, "stop") + b"data: [DONE]\n\n",
)
_MESSAGE = {"id": "1", "type": "message", "role": "assistant", "content": [], "model": "m"}
ANTHROPIC = (
    _event("message_start", message=_MESSAGE | {"usage": {"input_tokens": 1, "output_tokens": 0}})
    + _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    _event("content_block_delta", index=0, delta={"type": "text_delta", "text": "word "}),
    _event("content_block_stop", index=0)
    + _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1})
    + _event("message_stop"),
)
_TOKENS = {"tokens": {"input_tokens": 1, "output_tokens": 1}}
COHERE = (
    _event("content-start", index=0, delta={"message": {"content": {"type": "text", "text": ""}}}),
    _event("content-delta", index=0, delta={"message": {"content": {"text": "word "}}}),
    _event("message-end", delta={"finish_reason": "COMPLETE", "usage": _TOKENS}),
)


@contextmanager
def echo_clouds(words: int, pace: float = 0.0) -> Iterator[str]:
    """Their URL; they run in a process of their own."""
    command = [sys.executable, "-m", "scripts.benchmarks.echo_clouds", str(words), str(pace)]
    with serving(command, {"PATH": ""}, r"listening on (http://\S+)\n") as running:
        yield running.said


def main(words: str, pace: str) -> None:
    with Loopback(EchoClouds(int(words), float(pace)).answer) as server:
        print(f"listening on {server.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
