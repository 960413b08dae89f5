"""Ollama's routes: what each reads, asks and writes."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ai_pal.client import AsyncClient
from ai_pal.gateway.answering.going_on import begun, going_on, is_blank
from ai_pal.gateway.asking import facts, presets, wishes
from ai_pal.gateway.asking.asked import Asked, Begin, Errand, chat, complete
from ai_pal.gateway.asking.bound import Bound
from ai_pal.gateway.asking.put import done
from ai_pal.gateway.ollama import messages as turns
from ai_pal.gateway.ollama import options
from ai_pal.gateway.ollama.answers import Lines, Remember, stamp
from ai_pal.gateway.ollama.memory import recalled, remembered
from ai_pal.gateway.ollama.templates import filled
from ai_pal.gateway.openai.embeddings import one_by_one
from ai_pal.gateway.openai.functions import FunctionTool
from ai_pal.gateway.wire.bodies import BodyError, decoded
from ai_pal.protocol.content import AnyPart, Message, Text
from ai_pal.protocol.options import Tool

VERSION = "0.13.5"
"""The version of Ollama whose protocol this is: clients refuse older ones (Codex below 0.13.4)."""


class ChatBody(options.Common):
    """POST /api/chat."""

    messages: list[turns.Message] | None = None
    tools: list[FunctionTool] | None = None


class GenerateBody(options.Common):
    """POST /api/generate; null says nothing, as in Go."""

    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    template: str | None = None
    images: list[str] | None = None
    raw: bool | None = None
    context: list[int] | None = None


class EmbedBody(msgspec.Struct):
    """POST /api/embed, and the older /api/embeddings with its `prompt`."""

    model: str = ""
    input: str | list[str] | None = None
    prompt: str | None = None
    dimensions: int | None = None
    truncate: bool | None = None
    keep_alive: str | float | None = None
    options: dict[str, Any] | None = None


_CHAT = msgspec.json.Decoder(ChatBody)
_GENERATE = msgspec.json.Decoder(GenerateBody)
_EMBED = msgspec.json.Decoder(EmbedBody)


def chat_door(body: bytes) -> Asked | Errand:
    """POST /api/chat; without messages, and where they say nothing, the model is loaded, or unloaded. Raises
    `AiPalError`."""
    asked = decoded(body, _CHAT)
    said = turns.conversation(asked.messages or [])
    if all(map(is_blank, said)):
        return _load_or_unload("chat", asked)
    how = options.how(asked)
    how["tools"] = [_tool(tool) for tool in asked.tools or []]
    messages, given = begun(said)
    return _asked("chat", asked, going_on(messages, given, how))


def generate(body: bytes) -> Asked | Errand:
    """POST /api/generate; without a prompt the model is loaded, or unloaded. Raises `AiPalError`."""
    asked = decoded(body, _GENERATE)
    if not asked.prompt and not asked.images and not asked.suffix:
        return _load_or_unload("generate", asked)
    how = options.how(asked)
    if asked.raw or asked.suffix or asked.template:
        as_it_is = {name: value for name, value in how.items() if name != "trim"}  # a text is never cut
        return _asked("generate", asked, complete(_raw(asked), asked.suffix or None, as_it_is))
    pictures = [turns.picture(data, f"images[{n}]") for n, data in enumerate(asked.images or [])]
    prompt = asked.prompt or ""
    content: str | list[AnyPart] = [*pictures, Text(prompt)] if pictures else prompt
    system = [Message("system", asked.system)] if asked.system else []
    before, level = recalled(asked.context or ())
    said = [*before, *system, Message("user", content)]
    begin = Bound(chat(said, how), how, level)

    def remember(text: str) -> list[int]:
        return remembered([*said, Message("assistant", text)], begin.level)

    return _asked("generate", asked, begin, remember)


def _raw(asked: GenerateBody) -> str:
    """The text that is gone on with. Raises `BodyError`: there is more than it can hold."""
    templated = bool(asked.template) and not asked.raw
    for name in ("images", "context", *(() if templated else ("system", "template"))):
        if getattr(asked, name):
            raise BodyError("a text that is gone on with has no place for this", name, "leave it out")
    prompt = asked.prompt or ""
    if not templated:
        return prompt
    if asked.suffix:
        raise BodyError("what is filled in stands between texts, not in a template", "suffix")
    return filled(asked.template or "", asked.system or "", prompt)


def embed(body: bytes) -> Errand:
    """POST /api/embed. Raises `AiPalError`."""
    asked = decoded(body, _EMBED)
    options.required(asked.model)
    texts = list(filter(None, [asked.input])) if isinstance(asked.input, str) else asked.input or []
    kept = {**_kept(asked), "truncate": asked.truncate is not False}

    async def carry_out(client: AsyncClient) -> bytes:
        began = time.monotonic()
        if not texts:
            await client.load(presets.meant(client, asked.model), kept.get("keep_alive"))
            return msgspec.json.encode({"model": asked.model, "embeddings": []})
        found = await client.embed(
            texts, dimensions=asked.dimensions or 0, model=presets.meant(client, asked.model), **kept
        )
        head = {"model": asked.model or found.model}
        figures = {
            "total_duration": round((time.monotonic() - began) * 1e9),
            "load_duration": 0,
            "prompt_eval_count": found.usage.prompt_tokens,
        }

        def told() -> bytes:
            vectors = [one_by_one(list(vector)) for vector in found]
            return msgspec.json.encode({**head, "embeddings": vectors, **figures})

        return await done(told, len(found.data))

    return Errand(carry_out, reads=asked.model or "")


def embeddings(body: bytes) -> Errand:
    """POST /api/embeddings, as it was before. Raises `AiPalError`."""
    asked = decoded(body, _EMBED)
    options.required(asked.model)

    async def carry_out(client: AsyncClient) -> bytes:
        model, kept = presets.meant(client, asked.model), _kept(asked)
        if not asked.prompt:
            await client.load(model, kept.get("keep_alive"))
            return msgspec.json.encode({"embedding": []})
        found = await client.embed([asked.prompt], model=model, truncate=True, **kept)
        return msgspec.json.encode({"embedding": list(found[0])})

    return Errand(carry_out, reads=asked.model or "")


async def version(_: AsyncClient, __: Mapping[str, str]) -> bytes:
    """GET /api/version."""
    return msgspec.json.encode({"version": VERSION})


def _asked(kind: Any, asked: options.Common, begin: Begin, remember: Remember | None = None) -> Asked:
    return Asked(begin, asked.stream is not False, Lines(kind, asked.model, time.time(), remember))


def _load_or_unload(kind: str, asked: options.Common) -> Errand:
    """As Open WebUI asks for it: with a `keep_alive` of 0 the model goes, else it comes."""
    seconds = wishes.keep_alive(asked.keep_alive)
    options.required(asked.model)

    async def carry_out(client: AsyncClient) -> bytes:
        model = presets.meant(client, asked.model)
        if seconds == 0:
            await facts.known(model)
            await client.unload(model)
        else:
            await client.load(model, seconds)
        nothing = (
            {"response": ""} if kind == "generate" else {"message": {"role": "assistant", "content": ""}}
        )
        reason = "unload" if seconds == 0 else "load"
        head = {"model": asked.model, "created_at": stamp(time.time())}
        return msgspec.json.encode({**head, **nothing, "done": True, "done_reason": reason})

    return Errand(carry_out)


def _tool(tool: FunctionTool) -> Tool:
    function = tool.function
    named = {"parameters": function.parameters} if function.parameters is not None else {}
    return Tool(function.name, function.description or "", **named)


def _kept(asked: EmbedBody) -> dict[str, Any]:
    seconds = wishes.keep_alive(asked.keep_alive)
    return {} if seconds is None else {"keep_alive": seconds}
