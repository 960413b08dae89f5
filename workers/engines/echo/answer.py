"""What the echo engine makes of parts, tools, schemas and the like: always the same of the same. Pure."""

import math
import re
import struct
from collections.abc import Iterator, Sequence
from itertools import chain, repeat

import msgspec

from ai_pal.protocol.content import (
    Alternative,
    AnyPart,
    Audio,
    Document,
    FinishReason,
    Image,
    Message,
    Reasoning,
    Text,
    TokenLogprob,
    ToolCall,
    ToolResult,
)
from ai_pal.protocol.options import GenerationOptions, JsonObject, JsonSchema, NamedTool, Tool
from ai_pal.protocol.worker import Generate
from workers.engines.base import ANSWER, Blob, OpenPart, bytes_of
from workers.engines.echo.json_values import instance_of
from workers.engines.echo.text import Script, pieces

DIMENSIONS = 8
PIECE = 8
"""Characters of JSON per token."""
BETWEEN = "between "
"""What belongs between any two texts."""
Piece = tuple[OpenPart, str]


class EchoAnswer:
    """The whole answer to one request: what it thinks, then calls of tools, JSON or words. `pieces` are its
    tokens, each with the part it belongs to."""

    def __init__(self, request: Generate, tokens: int | None, padding: int) -> None:
        options = request.options
        told = _thoughts(request.messages, options)
        texts: Iterator[str] = iter(())
        self.finish_reason: FinishReason = "stop"
        self.stop = ""
        self.text_part = OpenPart("text", 1) if told else ANSWER
        if called := called_tools(request.messages, options):
            told += _calls(called, 1 if told else 0)
            self.finish_reason = "tool_calls"
        elif isinstance(options.response_format, JsonObject | JsonSchema):
            told += [(self.text_part, piece) for piece in _cut(_json(request.messages, options))]
        else:
            script = Script(_shortened(request, len(told)), tokens, padding)
            texts, self.finish_reason, self.stop = script.texts(), script.finish_reason, script.stop
        limit = options.max_tokens
        if limit is not None and limit < len(told):
            told, texts, self.finish_reason, self.stop = told[: max(limit, 0)], iter(()), "length", ""
        self.pieces: Iterator[Piece] = chain(told, zip(repeat(self.text_part), texts))


def spelled_out(messages: Sequence[Message], blobs: Sequence[Blob]) -> list[Message]:
    """The messages in words: attachments by their type and size, calls and results of tools by their text."""
    return [
        one
        if isinstance(one.content, str)
        else Message(one.role, [_text(part, blobs) for part in one.content])
        for one in messages
    ]


def called_tools(messages: Sequence[Message], options: GenerationOptions) -> list[Tool]:
    """The tools that the last user message names, unless a result came since; required ones in any case."""
    choice, tools = options.tool_choice, options.tools
    if choice == "none" or not tools:
        return []
    if isinstance(choice, NamedTool):
        return [tool for tool in tools if tool.name == choice.name]
    said = set(messages[-1].text.split()) if messages and messages[-1].role == "user" else set()
    named = [tool for tool in tools if tool.name in said] or (tools[:1] if choice == "required" else [])
    several = options.parallel_tool_calls
    return named[:1] if several is False or (several is None and choice == "required") else named


def tool_words(options: GenerationOptions) -> int:
    """Tokens that the tools add to a prompt."""
    if options.tool_choice == "none":
        return 0
    return sum(len(msgspec.json.encode(tool).split()) for tool in options.tools)


def embedding(text: str, dimensions: int) -> bytes:
    """A vector of length 1 that depends on the words, near for texts that share some."""
    import hashlib  # OpenSSL behind it has 4 MB

    sums = [0.0] * dimensions
    for word in text.lower().split() or [""]:
        digest = hashlib.shake_128(word.encode("utf-8", "replace")).digest(dimensions)
        sums = [have + byte - 127.5 for have, byte in zip(sums, digest, strict=True)]
    length = math.hypot(*sums)
    return struct.pack(f"<{dimensions}f", *(one / length for one in sums))


def relevance(query: str, text: str) -> float:
    """The share of the query's words that the text has."""
    asked, there = set(query.lower().split()), set(text.lower().split())
    return len(asked & there) / max(len(asked), 1)


def probability(text: str, index: int, alternatives: int) -> TokenLogprob:
    """The logarithm of a token's probability, and of what might have come in its place."""
    top = [Alternative(b"other%d" % number, -1.0 - number, number) for number in range(alternatives)]
    return TokenLogprob(text.encode("utf-8", "replace"), -0.25, index, top)


def spelled(tokens: Sequence[int]) -> str:
    """The text of a list of tokens: their numbers."""
    return " ".join(map(str, tokens))


def prompt_probabilities(prompt: str, alternatives: int) -> list[TokenLogprob]:
    """Those of a prompt's words, each with the blanks before it."""
    words = re.findall(r"\s*\S+|\s+$", prompt)
    told = [probability(word, index, alternatives) for index, word in enumerate(words)]
    first = [msgspec.structs.replace(one, logprob=float("-inf"), top=[]) for one in told[:1]]
    return first + told[1:]


def _thoughts(messages: Sequence[Message], options: GenerationOptions) -> list[Piece]:
    if options.thinking in (None, "off"):
        return []
    words = ["I ", "think ", "about ", *pieces(list(messages))]
    return [(OpenPart("reasoning"), word) for word in words[: options.thinking_budget]]


def _calls(tools: Sequence[Tool], first: int) -> list[Piece]:
    called: list[Piece] = []
    for number, tool in enumerate(tools):
        part = OpenPart("tool_call", first + number, f"call_{number + 1}", tool.name)
        called.append((part, ""))
        called += [(part, piece) for piece in _cut(_written(instance_of(tool.parameters, tool.name)))]
    return called


def _json(messages: Sequence[Message], options: GenerationOptions) -> str:
    said = "".join(pieces(list(messages))).strip()
    if isinstance(options.response_format, JsonSchema):
        return _written(instance_of(options.response_format.schema, said))
    return _written({"said": said})


def _written(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _cut(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _shortened(request: Generate, spent: int) -> Generate:
    limit = request.options.max_tokens
    if limit is None or not spent:
        return request
    options = msgspec.structs.replace(request.options, max_tokens=limit - spent)
    return msgspec.structs.replace(request, options=options)


def _text(part: AnyPart, blobs: Sequence[Blob]) -> Text:
    match part:
        case Image() | Audio():
            return Text(f" [{part.media_type}: {len(bytes_of(part, blobs))} bytes] ")
        case ToolCall():
            return Text(f" {part.name} {part.arguments} ")
        case ToolResult():
            inside = [] if isinstance(part.content, str) else part.content
            images = "".join(_text(one, blobs).text for one in inside if isinstance(one, Image))
            return Text(part.text + images)
        case Reasoning():
            return Text("")
        case Document():
            return Text(part.marked)
        case _:
            return Text(part.text)
