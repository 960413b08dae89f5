"""What a request needs of whoever answers it, as abilities. Wishes (a seed) are none. Pure."""

from collections.abc import Iterable, Sequence

from ai_pal.protocol.content import AnyPart, Audio, Image, Message, ToolCall, ToolResult
from ai_pal.protocol.options import Ability, GenerationOptions, Grammar, JsonObject, JsonSchema

WHAT: dict[Ability, str] = {
    "chat": "answer conversations",
    "complete": "go on with raw text",
    "infill": "fill in text between two others",
    "embed": "turn texts into vectors",
    "rerank": "judge how well texts answer a query",
    "tools": "call tools",
    "schema": "be held to a JSON schema",
    "grammar": "be held to a grammar",
    "thinking": "think before it answers",
    "images": "look at images",
    "audio": "listen to sound",
    "documents": "read documents",
    "logprobs": "tell how probable its tokens were",
}
"""What somebody can do who has an ability, to go on behind 'it cannot'."""

EXAMPLE: dict[Ability, str] = {
    "images": "smolvlm:256m",
    "tools": "qwen3:0.6b",
    "thinking": "qwen3:0.6b",
    "infill": "qwen2.5-coder:1.5b",
    "embed": "nomic-embed-text",
    "rerank": "bge-reranker-v2-m3",
}
"""A small known model that can; `ai-pal pull` fetches it."""


def _ask(need: Ability, kind: str) -> str:
    return f"ask a model that {kind}, such as {EXAMPLE[need]} (ai-pal pull {EXAMPLE[need]})"


WHO: dict[Ability, str] = {
    "images": f"{_ask('images', 'sees')}, a GGUF with its projector (`MODEL.gguf?mmproj=FILE`) or a cloud's, "
    "or leave the picture out",
    "audio": "ask a model that hears (a GGUF with its projector, `MODEL.gguf?mmproj=FILE`; a cloud's), "
    "or leave the sound out",
    "tools": f"{_ask('tools', 'calls tools')}, or leave the tools out",
    "thinking": f"{_ask('thinking', 'thinks')}, or ask without thinking",
    "infill": f"{_ask('infill', 'was made for code')}, or leave the suffix out",
    "embed": _ask("embed", "was made to turn texts into vectors"),
    "rerank": _ask("rerank", "was made to rank texts"),
}
"""Whom to ask instead, where that can be told."""


def of_options(options: GenerationOptions) -> list[Ability]:
    """Abilities that the options ask for."""
    needed: list[Ability] = []
    if options.tools and options.tool_choice != "none":
        needed.append("tools")
    if isinstance(options.response_format, JsonSchema | JsonObject):
        needed.append("schema")
    if isinstance(options.response_format, Grammar):
        needed.append("grammar")
    if options.thinking not in (None, "off") or options.thinking_budget:
        needed.append("thinking")
    if options.logprobs is not None:
        needed.append("logprobs")
    return needed


def of_chat(messages: Sequence[Message], options: GenerationOptions) -> list[Ability]:
    """Abilities that an answer to this conversation asks for, each once, `chat` first."""
    needed: list[Ability] = ["chat", *of_options(options)]
    for message in messages:
        if not isinstance(message.content, str):
            needed += _of_parts(message.content)
    return list(dict.fromkeys(needed))


def _of_parts(parts: Iterable[AnyPart]) -> list[Ability]:
    needed: list[Ability] = []
    for part in parts:
        match part:
            case Image():
                needed.append("images")
            case Audio():
                needed.append("audio")
            case ToolCall():
                needed.append("tools")
            case ToolResult(content=content):
                needed.append("tools")
                if not isinstance(content, str):
                    needed += _of_parts(content)
            case _:
                pass
    return needed
