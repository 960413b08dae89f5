"""The conversation of a chat completion, as messages of ours. Pure."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from ai_pal.attachments.reading import from_bytes
from ai_pal.gateway.asking.account_lines import without_lines
from ai_pal.gateway.asking.data_urls import data_of, unpacked
from ai_pal.gateway.openai.functions import Named
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol import content as ours

SOUNDS = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg"}


class TextPart(msgspec.Struct, tag_field="type", tag="text"):
    text: str


class RefusalPart(msgspec.Struct, tag_field="type", tag="refusal"):
    refusal: str


class ImageUrl(msgspec.Struct):
    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(msgspec.Struct, tag_field="type", tag="image_url"):
    """Clients of Ollama send the address alone."""

    image_url: ImageUrl | str


class Sound(msgspec.Struct):
    data: str
    format: str


class SoundPart(msgspec.Struct, tag_field="type", tag="input_audio"):
    input_audio: Sound


class File(msgspec.Struct):
    file_data: str | None = None
    filename: str | None = None
    file_id: str | None = None


class FilePart(msgspec.Struct, tag_field="type", tag="file"):
    file: File


AnyPart = TextPart | RefusalPart | ImagePart | SoundPart | FilePart
Content = str | list[AnyPart]


class Function(msgspec.Struct):
    name: str
    arguments: str = ""


class Call(msgspec.Struct):
    id: str
    function: Function
    type: Literal["function"] = "function"


class Turn(msgspec.Struct, kw_only=True):
    """Templates have no place for a name."""

    name: str | None = None


class System(Turn, tag_field="role", tag="system"):
    content: str | list[TextPart]


class Developer(Turn, tag_field="role", tag="developer"):
    content: str | list[TextPart]


class User(Turn, tag_field="role", tag="user"):
    content: Content


class Assistant(Turn, tag_field="role", tag="assistant"):
    """Thoughts come back under either name."""

    content: Content | None = None
    tool_calls: list[Call] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    function_call: Function | None = None
    audio: Any = None


class Tool(msgspec.Struct, tag_field="role", tag="tool"):
    content: Content
    tool_call_id: str


class FunctionResult(msgspec.Struct, tag_field="role", tag="function"):
    """What came of a `function_call`."""

    name: str
    content: Content | None


AnyMessage = System | Developer | User | Assistant | Tool | FunctionResult


def conversation(messages: Iterable[AnyMessage]) -> list[ours.Message]:
    """These messages as ours. Raises `BodyError` with the place of what cannot be taken."""
    found: list[ours.Message] = []
    named = Named()
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        match message:
            case System() | Developer():
                found.append(ours.Message("system", _content(message.content, where)))
            case User():
                found.append(ours.Message("user", _content(message.content, where)))
            case Assistant():
                found.append(_assistant(message, where, number, named))
            case Tool():
                found.append(ours.Message("tool", [_result(message, where)]))
            case FunctionResult():
                result = Tool(message.content or "", named.answered(message.name, where))
                found.append(ours.Message("tool", [_result(result, where)]))
    return without_lines(found)


def _assistant(message: Assistant, where: str, number: int, named: Named) -> ours.Message:
    calls = message.tool_calls or []
    if (before := message.function_call) is not None:
        calls = [*calls, Call(named.called(number, before.name), before)]
    if message.audio is not None:
        raise BodyError("no sounds are kept here", f"{where}.audio", "send what was said as content")
    if message.content is None and not _says_otherwise(message):
        raise BodyError("the assistant has said nothing: no content, no tool_calls", f"{where}.content")
    parts: list[ours.AnyPart] = []
    if thought := message.reasoning_content or message.reasoning:
        parts.append(ours.Reasoning(thought))
    said = _content(message.content, where) if message.content is not None else message.refusal or ""
    if isinstance(said, str):
        if not parts and not calls:
            return ours.Message("assistant", said)
        said = [ours.Text(said)] if said else []
    parts += said
    for call in calls:
        parts.append(ours.ToolCall(call.id, call.function.name, whole(call.function.arguments)))
    return ours.Message("assistant", parts)


def _says_otherwise(message: Assistant) -> bool:
    said = (message.tool_calls, message.function_call, message.reasoning_content, message.reasoning)
    return any(one is not None for one in (*said, message.refusal))


def whole(arguments: str) -> str:
    """The arguments of an earlier call, as an object: what was cut off, or is none, is kept as it came, under
    a name that says so. Clients send back what they got."""
    if not arguments.strip():
        return "{}"
    try:
        if isinstance(msgspec.json.decode(arguments), dict):
            return arguments
    except (msgspec.DecodeError, RecursionError):
        pass
    return msgspec.json.encode({"cut off": arguments}).decode()


def _result(message: Tool, where: str) -> ours.ToolResult:
    content = _content(message.content, where)
    if isinstance(content, str):
        return ours.ToolResult(message.tool_call_id, content)
    kept = [part for part in content if isinstance(part, ours.Text | ours.Image)]
    if len(kept) != len(content):
        raise BodyError("what came of a tool is text or pictures", f"{where}.content")
    return ours.ToolResult(message.tool_call_id, kept)


def _content(content: Content | list[TextPart], where: str) -> str | list[ours.AnyPart]:
    if isinstance(content, str):
        return content
    return [_part(part, f"{where}.content[{number}]") for number, part in enumerate(content)]


def _part(part: AnyPart, where: str) -> ours.AnyPart:
    match part:
        case TextPart():
            return ours.Text(part.text)
        case RefusalPart():
            return ours.Text(part.refusal)
        case ImagePart():
            url = part.image_url
            at = f"{where}.image_url"
            return ours.Image(*(data_of(url, at) if isinstance(url, str) else data_of(url.url, f"{at}.url")))
        case SoundPart():
            return sound_of(part.input_audio, f"{where}.input_audio")
        case FilePart():
            return file_of(part.file, f"{where}.file")


def sound_of(sound: Sound, where: str) -> ours.Audio:
    """A sound. Raises `BodyError`."""
    kind = SOUNDS.get(sound.format)
    if kind is None:
        raise BodyError(f"the format is one of {', '.join(SOUNDS)}", f"{where}.format")
    return ours.Audio(kind, unpacked(sound.data, f"{where}.data"))


def file_of(file: File, where: str) -> ours.AnyPart:
    """A file, as what it holds. Raises `AiPalError`."""
    if file.file_data is None:
        raise BodyError("no files are kept here: send file_data", f"{where}.file_id")
    at = f"{where}.file_data"
    is_url = file.file_data.startswith("data:")
    data = data_of(file.file_data, at)[1] if is_url else unpacked(file.file_data, at)
    return from_bytes(data, file.filename or "file").part
