"""What each door makes of a body, in our own terms, without anybody to answer: for comparing two bodies."""

import asyncio
import contextlib
import secrets
import time
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import msgspec
import pytest
from anthropic.types import message_count_tokens_params, message_create_params
from ollama import _types as theirs
from openai.types import completion_create_params as completion_params
from openai.types import embedding_create_params
from openai.types.chat import completion_create_params as chat_params
from openai.types.responses import input_token_count_params, response_create_params

from ai_pal.client import AsyncClient
from ai_pal.client.vectors import Embeddings, TokenCount
from ai_pal.gateway.anthropic import doors as anthropic
from ai_pal.gateway.asking import adaptive, earlier_calls, seals
from ai_pal.gateway.asking.asked import Asked, Errand
from ai_pal.gateway.asking.privacy_level import PrivacyLevel
from ai_pal.gateway.asking.starting import Starting
from ai_pal.gateway.ollama import creating
from ai_pal.gateway.ollama import doors as ollama
from ai_pal.gateway.ollama.memory import remembered
from ai_pal.gateway.openai import doors as openai
from ai_pal.gateway.openai.completions import completions
from ai_pal.gateway.openai.embeddings import embeddings
from ai_pal.gateway.openai.responses.doors import Responses
from ai_pal.gateway.openai.responses.kept import Kept, Response
from ai_pal.gateway.wire.bodies import decoded
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from tests.unit.gateway.published import Body

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TAKES = {"type": "object", "properties": {"city": {"type": "string"}}}
OTHERWISE = {"type": "object", "properties": {"town": {"type": "string"}}}
FUNCTION = {"name": "weather", "parameters": TAKES}
USER = {"role": "user", "content": "hi"}
RED = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
TEXTS = [{"type": "text", "media_type": "text/plain", "data": text} for text in ("hi", "ho")]
USED = {"type": "tool_use", "id": "call_1", "name": "weather", "input": {}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
KEPT = {"id": "msg_x", "type": "message", "role": "assistant", "content": "ho"}
ANSWERED = Response(
    {"id": "resp_x", "output": [KEPT]}, [], (Message("user", "hi"), Message("assistant", "ho"))
)
"""One that is kept."""
KNOWN: dict[str, list[Any]] = {
    "model": ["echo", "phi-2"],
    "name": ["weather", "other"],
    "arguments": ['{"city": "Rome"}', "{}"],
    **{name: ["call_1", "call_2"] for name in ("id", "tool_call_id", "call_id", "tool_use_id")},
    **{name: [TAKES, OTHERWISE] for name in ("parameters", "schema", "input_schema")},
    "url": [f"data:image/png;base64,{DOT}", f"data:image/png;base64,{RED}"],
    "data": [DOT, RED],
    "file_data": ["data:text/plain;base64,aGk=", "data:text/plain;base64,aG8="],
    "logit_bias": [{"1": 5}, {"1": 6}],
    "stop": ["x", ["x", "y"]],
    "keep_alive": ["5m", 0],
}
OF_CHATS = KNOWN | {
    "tool_choice(allowed_tools).allowed_tools.tools": [
        [{"type": "function", "function": {"name": "weather"}}],
        [],
    ],
}
OF_RESPONSES = KNOWN | {
    "image_url": KNOWN["url"],
    "input[](reasoning).encrypted_content": [seals.sealed("hm", ""), seals.sealed("ho", "")],
    "input[](ItemReference).id": ["msg_x", "msg_y"],
    "input[](reasoning).summary": [[], [{"type": "summary_text", "text": "x"}]],
    "previous_response_id": ["resp_x"],
    "tool_choice(allowed_tools).tools": [[{"type": "function", "name": "weather"}], []],
    "include": [["message.output_text.logprobs"], ["reasoning.encrypted_content"]],
}
OF_MESSAGES = KNOWN | {
    ".content[](document).source": TEXTS,
    ".content[](tool_result).content": [
        "hi",
        [{"type": "text", "text": "hi"}, {"type": "text", "text": "ho"}],
    ],
    "thinking(enabled).budget_tokens": [1024, 2048],
    "max_tokens": [4096, 5000],
}
OF_OLLAMA = KNOWN | {
    "images": [[DOT], [RED]],
    "content": ["hi", "ho"],
    "format": ["json", TAKES],
    "role": ["user", "system"],
    "context": [remembered([Message("user", "hi")], PrivacyLevel())],
    "messages[].tool_calls": [[CALL], [{"function": {"name": "other", "arguments": {}}}]],
}
OF_CREATION = {name: values for name, values in KNOWN.items() if name != "parameters"} | {
    "model": ["mine", "ours"],
    "from": ["echo", "phi-2"],
    **{name: [{"x": f"sha256:{digit * 64}"} for digit in "01"] for name in ("files", "adapters")},
    "content": ["hi", "ho"],
    "role": ["user", "system"],
}


ALWAYS = ("image_url", "file_data", "call_id", "schema", "function", "name", "role")
"""What may be left out by its type, and says nothing then."""


class Door(NamedTuple):
    """A route, the published type of its bodies, a right one, and what it makes of one. `known` are values
    of its fields as `Published` takes them, and `always` too; `framed` makes a body with odd turns one of a
    whole conversation."""

    route: str
    kind: Any
    base: Body
    read: Callable[[bytes], Any]
    known: dict[str, list[Any]] = KNOWN
    framed: Callable[[Body], Body] = lambda body: body
    always: tuple[str, ...] = ALWAYS

    def made(self, body: Body) -> str:
        """What it makes of this body. Raises `AiPalError`."""
        return told(self.read(msgspec.json.encode(self.framed(body))))


class Recorder:
    """In the place of a client: what is asked of it is written down."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def chat(self, *what: Any, **how: Any) -> object:
        return self._note("chat", what, how)

    def complete_stream(self, *what: Any, **how: Any) -> object:
        return self._note("complete", what, how)

    async def embed(self, *what: Any, **how: Any) -> Embeddings:
        self._note("embed", what, how)
        return Embeddings([wire.Embedded(1, "echo", 2, array("f", [0.6, 0.8]).tobytes())])

    async def count_tokens(self, *what: Any, **how: Any) -> TokenCount:
        self._note("count", what, how)
        return TokenCount(1)

    async def load(self, *what: Any, **how: Any) -> None:
        self._note("load", what, how)

    def _note(self, *what: Any) -> object:
        self.asked.append(repr(what))
        return object()


def told(found: Any) -> str:
    """All that is to be done, as a text: nothing of it is done."""
    recorder = Recorder()
    client = cast("AsyncClient", recorder)
    if isinstance(found, Errand):
        return f"{recorder.asked} {asyncio.run(_carried_out(found, client))!r} {recorder.asked}"
    if not isinstance(found, Asked):
        return f"{type(found).__name__} {inside(found)}"
    if found.per_prompt > 1:
        return f"{found.per_prompt} of them"
    asyncio.run(_begun(found, client))
    return f"{found.stream} {inside(found.writer)} {recorder.asked}"


async def _begun(found: Asked, client: AsyncClient) -> None:
    coming = found.begin(client, {})
    if isinstance(coming, Starting):
        with contextlib.suppress(AttributeError):  # what a recorder gives is no answer
            await coming.answer()


async def _carried_out(found: Errand, client: AsyncClient) -> Any:
    return await found.carry_out(client)


def inside(thing: Any, deep: int = 4) -> str:
    """What an object holds; what a response only repeats of its request is left out."""
    if isinstance(thing, tuple | list):
        return str([inside(one, deep) for one in thing])
    if callable(thing) and hasattr(thing, "__qualname__"):
        return str(thing.__qualname__)
    if deep and hasattr(thing, "__dict__"):
        held = {name: value for name, value in vars(thing).items() if name != "_fields"}
        return str({name: inside(value, deep - 1) for name, value in held.items()})
    return repr(thing)


def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and times are the same in all, and each model can do all."""
    monkeypatch.setattr(secrets, "token_hex", lambda count=8: "0" * 2 * count)
    monkeypatch.setattr(time, "time", lambda: 1.0)
    monkeypatch.setattr(time, "monotonic", lambda: 1.0)

    async def able(*_: object) -> bool:
        return True

    for module in (adaptive, earlier_calls):
        monkeypatch.setattr(module, "can", able)


def _chat(body: Body) -> Body:
    """With the calls that results belong to, results of calls, and somebody who asks; functions without
    tools."""
    if body.get("functions") or body.get("function_call"):
        body = {"functions": [FUNCTION], **{name: said for name, said in body.items() if name != "tools"}}
    turns = list(body.get("messages", []))
    if turns and turns[0].get("role") == "function":
        called = {"role": "assistant", "function_call": {"name": turns[0]["name"], "arguments": "{}"}}
        turns = [USER, called, *turns]
    elif turns and turns[0].get("function_call"):
        name = turns[0]["function_call"]["name"]
        turns = [USER, *turns, {"role": "function", "name": name, "content": "sunny"}]
    elif turns and turns[0].get("role") == "tool":
        turns = [USER, {"role": "assistant", "tool_calls": [CALL]}, *turns]
    elif turns and turns[0].get("tool_calls"):
        turns = [USER, *turns, {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
    elif turns and turns[0].get("role") == "assistant":
        turns = [USER, *turns]
    return {**body, "messages": [*turns, USER]} if turns else body


def _messages(body: Body) -> Body:
    turns = list(body.get("messages", []))
    kinds = {block["type"] for turn in turns for block in turn.get("content", "") if isinstance(block, dict)}
    if "tool_result" in kinds:
        turns = [USER, {"role": "assistant", "content": [USED]}, {**turns[0], "role": "user"}]
    elif "tool_use" in kinds:
        result = {"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"}
        turns = [USER, {**turns[0], "role": "assistant"}, {"role": "user", "content": [result]}]
    elif kinds & {"thinking", "redacted_thinking"}:
        turns = [USER, {**turns[0], "role": "assistant"}]
    return {**body, "messages": [*turns, USER]} if turns else body


def _ollama(body: Body) -> Body:
    """With the call that a result belongs to."""
    turns = list(body.get("messages", []))
    called = {"role": "assistant", "tool_calls": [{"id": "call_1", "function": {"name": "weather"}}]}
    if turns and {"tool_name", "tool_call_id"} & turns[0].keys():
        turns = [called, {**turns[0], "role": "tool"}]
    return {**body, "messages": [*turns, USER]} if turns else body


def _one_source(body: Body) -> Body:
    """A model is made of a model, or of files."""
    return {name: value for name, value in body.items() if name != "from"} if body.get("files") else body


def _items(body: Body) -> Body:
    if not isinstance(items := body.get("input"), list) or not items:
        return body
    call = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
    if items[0].get("type") == "function_call_output":
        items = [call, *items]
    elif items[0].get("type") == "function_call":
        items = [*items, result]
    return {**body, "input": [USER, *items, USER]}


def doors(kept: Kept) -> list[Door]:
    """All of them."""
    kept.put(ANSWERED, "")
    responses = Responses(kept)
    tool, own_tool = {"type": "function", "function": FUNCTION}, {"type": "function", **FUNCTION}
    turns: Body = {"model": "echo", "messages": [USER]}
    own = {"name": "weather", "input_schema": TAKES}
    of_messages = {**turns, "tools": [own], "thinking": {"type": "adaptive"}}
    given: Body = {"model": "echo", "input": "hi", "tools": [own_tool]}
    sampled: Body = {"options": {"temperature": 0.5}, "logprobs": True}
    return [
        Door(
            "/v1/chat/completions", chat_params.CompletionCreateParamsBase,
            {**turns, "stream": True, "logprobs": True, "tools": [tool]},
            openai.chat_completions, OF_CHATS, _chat, always=(*ALWAYS, "refusal"),
        ),
        Door(
            "/v1/completions", completion_params.CompletionCreateParamsBase,
            {"model": "echo", "prompt": "hi", "stream": True}, completions,
        ),
        Door(
            "/v1/responses", response_create_params.ResponseCreateParamsBase, {**given, "stream": True},
            lambda body: responses.create(body, ""), OF_RESPONSES, _items,
        ),
        Door(
            "/v1/responses/input_tokens", input_token_count_params.InputTokenCountParams, given,
            lambda body: responses.count(body, ""), OF_RESPONSES, _items,
        ),
        Door("/v1/embeddings", embedding_create_params.EmbeddingCreateParams,
             {"model": "echo", "input": "hi"}, embeddings),
        Door(
            "/v1/messages", message_create_params.MessageCreateParamsBase,
            {**of_messages, "max_tokens": 4096},
            anthropic.messages, OF_MESSAGES, _messages,
        ),
        Door(
            "/v1/messages/count_tokens", message_count_tokens_params.MessageCountTokensParams, of_messages,
            anthropic.count_tokens, OF_MESSAGES, _messages,
        ),
        Door("/api/chat", theirs.ChatRequest, {**turns, **sampled, "tools": [tool]}, ollama.chat_door,
             OF_OLLAMA, _ollama, (*ALWAYS, "content")),
        Door("/api/generate", theirs.GenerateRequest, {"model": "echo", "prompt": "hi", **sampled},
             ollama.generate, OF_OLLAMA),
        Door("/api/embed", theirs.EmbedRequest, {"model": "echo", "input": "hi"}, ollama.embed, OF_OLLAMA),
        Door("/api/embeddings", theirs.EmbeddingsRequest, {"model": "echo", "prompt": "hi"},
             ollama.embeddings, OF_OLLAMA),
        Door("/api/create", theirs.CreateRequest, {"model": "mine", "from": "echo"}, _wish,
             OF_CREATION, _one_source, (*ALWAYS, "content")),
    ]  # fmt: skip


def _wish(body: bytes) -> Any:
    """What a name is to stand for; nothing is written."""
    asked = decoded(body, msgspec.json.Decoder(creating.CreateBody))
    return asked.model, creating.wish_of(asked), asked.stream
