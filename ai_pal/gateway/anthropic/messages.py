"""The conversation of a Messages request, as messages of ours. Pure."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ai_pal.attachments.reading import from_bytes
from ai_pal.gateway.asking import seals
from ai_pal.gateway.asking.account_lines import without_line
from ai_pal.gateway.asking.answered_calls import unanswered
from ai_pal.gateway.asking.data_urls import ELSEWHERE, picture_of, unpacked
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol import content as ours

PDF = b"%PDF-"


class Picture(msgspec.Struct, tag_field="type", tag="base64"):
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: str


class Base64(msgspec.Struct, tag_field="type", tag="base64"):
    media_type: str
    data: str


class PlainText(msgspec.Struct, tag_field="type", tag="text"):
    data: str
    media_type: str = "text/plain"


class Url(msgspec.Struct, tag_field="type", tag="url"):
    url: str


class FileId(msgspec.Struct, tag_field="type", tag="file"):
    file_id: str


class TextBlock(msgspec.Struct, tag_field="type", tag="text"):
    text: str


class ImageBlock(msgspec.Struct, tag_field="type", tag="image"):
    source: Picture | Url | FileId


class Inner(msgspec.Struct, tag_field="type", tag="content"):
    content: str | list[TextBlock | ImageBlock]


class DocumentBlock(msgspec.Struct, tag_field="type", tag="document"):
    source: Base64 | PlainText | Url | FileId | Inner
    title: str | None = None
    context: str | None = None


class ThinkingBlock(msgspec.Struct, tag_field="type", tag="thinking"):
    thinking: str
    signature: str = ""


class RedactedBlock(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    data: str = ""


class ToolUse(msgspec.Struct, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: Any


class ToolResult(msgspec.Struct, tag_field="type", tag="tool_result"):
    tool_use_id: str
    content: "str | list[AnyBlock] | None" = None
    is_error: bool | None = None


class SearchResult(msgspec.Struct, tag_field="type", tag="search_result"):
    source: str
    title: str
    content: list[TextBlock]


class ToolReference(msgspec.Struct, tag_field="type", tag="tool_reference"):
    """Found by a client that searches among its tools; here a model has all of them from the beginning."""

    tool_name: str


AnyBlock = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | ThinkingBlock
    | RedactedBlock
    | ToolUse
    | ToolResult
    | SearchResult
    | ToolReference
)
Content = str | list[AnyBlock]


class Turn(msgspec.Struct):
    """Claude Code puts turns of the system among the others."""

    role: Literal["user", "assistant", "system"]
    content: Content


def brings_results(turn: Turn) -> bool:
    """Whether it tells what came of tools."""
    return not isinstance(turn.content, str) and any(isinstance(one, ToolResult) for one in turn.content)


def stable(system: str | list[TextBlock]) -> str:
    """The system prompt without what it says to Anthropic's accounts."""
    blocks = [system] if isinstance(system, str) else [block.text for block in system]
    shown = [without_line(block) for block in blocks]
    return "\n\n".join(
        text for text, block in zip(shown, blocks, strict=True) if text.strip() or text == block
    )


def conversation(
    system: str | list[TextBlock] | None, turns: Sequence[Turn]
) -> tuple[list[ours.Message], str]:
    """These turns as ours, and how the answer has to begin: what the assistant has said last. Raises
    `BodyError`."""
    found: list[ours.Message] = []
    if system and (text := stable(system)):
        found.append(ours.Message("system", text))
    prefill = ""
    for number, turn in enumerate(turns):
        where = f"messages[{number}]"
        last = number == len(turns) - 1
        if last and turn.role == "assistant":
            prefill = _plain(turn.content, where)
        else:
            found += _messages(turn, where)
    if open_call := unanswered(found):
        hint = "send a tool_result for each in the turn behind it"
        raise BodyError(f"no result of the call {open_call[1]!r} is sent", "messages", hint)
    return found, prefill


def _plain(content: Content, where: str) -> str:
    if isinstance(content, str):
        return content
    if not all(isinstance(block, TextBlock) for block in content):
        raise BodyError("an answer can only begin with a text", where)
    return "".join(block.text for block in content if isinstance(block, TextBlock))


def _messages(turn: Turn, where: str) -> list[ours.Message]:
    """One turn; results of tools are messages of their own with us, and come before what the user says."""
    if isinstance(turn.content, str):
        return [ours.Message(turn.role, turn.content)]
    results: list[ours.AnyPart] = []
    parts: list[ours.AnyPart] = []
    for number, block in enumerate(turn.content):
        at = f"{where}.content[{number}]"
        if isinstance(block, ToolResult):
            results.append(ours.ToolResult(block.tool_use_id, _result(block, at), bool(block.is_error)))
        else:
            parts += _parts(block, at)
    found = [ours.Message("tool", results)] if results else []
    if parts or not results:
        found.append(ours.Message(turn.role, parts))
    return found


def _result(block: ToolResult, where: str) -> str | list[ours.Text | ours.Image]:
    if block.content is None or isinstance(block.content, str):
        return block.content or ""
    kept: list[ours.Text | ours.Image] = []
    for number, inner in enumerate(block.content):
        for part in _parts(inner, f"{where}.content[{number}]"):
            told = ours.Text(part.marked) if isinstance(part, ours.Document) else part
            if not isinstance(told, ours.Text | ours.Image):
                raise BodyError("a tool gives text, pictures or documents", f"{where}.content[{number}]")
            kept.append(told)
    return kept


def _parts(block: AnyBlock, where: str) -> list[ours.AnyPart]:
    match block:
        case TextBlock():
            return [ours.Text(block.text)]
        case ImageBlock():
            return [picture_of(_bytes(block.source, where), f"{where}.source.data")]
        case DocumentBlock():
            return _document(block, where)
        case ThinkingBlock():
            return [_thought(block)]
        case ToolUse():
            return [ours.ToolCall(block.id, block.name, msgspec.json.encode(block.input).decode())]
        case SearchResult():
            found = "\n".join(one.text for one in block.content)
            return [ours.Document(f"{block.title} ({block.source})", found)]
        case ToolReference():
            return [ours.Text(f"There is the tool {block.tool_name}.")]
        case RedactedBlock():
            return []  # sealed for its own maker
    raise BodyError(f"{type(block).__name__} has no place here", where)


def _thought(block: ThinkingBlock) -> ours.Reasoning:
    """As the model had it; one that was not shown is in its seal."""
    own = seals.opened(block.signature) or seals.Thought(block.thinking, seals.meant(block.signature))
    return ours.Reasoning(own.text or block.thinking, own.signature)


def _document(block: DocumentBlock, where: str) -> list[ours.AnyPart]:
    name = block.title or "document"
    about = [ours.Text(f"{block.context}\n\n")] if block.context else []
    match block.source:
        case PlainText(data=text) | Inner(content=str() as text):
            return [*about, ours.Document(name, text)]
        case Inner(content=list() as blocks):
            parts: list[ours.AnyPart] = []
            for number, inner in enumerate(blocks):
                at = f"{where}.source.content[{number}]"
                found = _parts(inner, at)
                parts += [
                    ours.Document(name, one.text) if isinstance(one, ours.Text) else one for one in found
                ]
            return [*about, *parts]
        case Base64(media_type="application/pdf"):
            data = _bytes(block.source, where)
            if PDF not in data[:1024]:
                raise BodyError("this is no PDF", f"{where}.source.data")
            return [*about, from_bytes(data, name).part]
    return [*about, from_bytes(_bytes(block.source, where), name).part]


def _bytes(source: Picture | Base64 | Url | FileId | PlainText | Inner, where: str) -> bytes:
    match source:
        case Picture(data=data) | Base64(data=data):
            return unpacked(data, f"{where}.source.data")
        case Url():
            raise BodyError("URLs are not fetched", f"{where}.source.url", ELSEWHERE)
    raise BodyError("no files are kept here: send the bytes", f"{where}.source")
