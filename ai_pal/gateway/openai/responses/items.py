"""The input of a response, as messages of ours: several items make one turn of the assistant. Pure."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from ai_pal.gateway.asking import seals
from ai_pal.gateway.asking.data_urls import ELSEWHERE, data_of
from ai_pal.gateway.openai.messages import File, Sound, file_of, sound_of, whole
from ai_pal.gateway.wire.bodies import BodyError, converted
from ai_pal.protocol import content as ours

Raw = dict[str, Any]


class InputText(msgspec.Struct, tag_field="type", tag="input_text"):
    text: str


class OutputText(msgspec.Struct, tag_field="type", tag="output_text"):
    text: str


class Refusal(msgspec.Struct, tag_field="type", tag="refusal"):
    refusal: str


class InputImage(msgspec.Struct, tag_field="type", tag="input_image"):
    image_url: str | None = None
    file_id: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None


class InputFile(msgspec.Struct, tag_field="type", tag="input_file"):
    file_data: str | None = None
    filename: str | None = None
    file_id: str | None = None
    file_url: str | None = None


class InputAudio(msgspec.Struct, tag_field="type", tag="input_audio"):
    input_audio: Sound


AnyPart = InputText | OutputText | Refusal | InputImage | InputFile | InputAudio
Content = str | list[AnyPart]


class Said(msgspec.Struct):
    """A message; the short form of it has no type."""

    role: Literal["user", "assistant", "system", "developer"]
    content: Content


class FunctionCall(msgspec.Struct):
    call_id: str
    name: str
    arguments: str


class FunctionOutput(msgspec.Struct):
    call_id: str
    output: Content


class Thought(msgspec.Struct):
    text: str


class Reasoning(msgspec.Struct):
    """`encrypted_content` is as it was given out."""

    summary: list[Thought] = []
    content: list[Thought] | None = None
    encrypted_content: str | None = None


class Reference(msgspec.Struct):
    id: str


def listed(given: str | Sequence[Raw], kept: Callable[[str], Raw | None]) -> list[Raw]:
    """All items, each with its type; what is only named is looked up in what is kept. Raises `BodyError`."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    found: list[Raw] = []
    for number, item in enumerate(given):
        kind = item.get("type") or ("message" if "role" in item else "item_reference")
        if kind == "item_reference":
            where = f"input[{number}]"
            name = converted(item, Reference, where).id
            if (known := kept(name)) is None:
                raise BodyError(f"no item {name!r} is kept", f"{where}.id", "send the item itself")
            found.append(known)
        else:
            found.append({**item, "type": kind})
    return found


def conversation(items: Sequence[Raw]) -> list[ours.Message]:
    """These items as turns. Raises `BodyError` with the place of what cannot be taken."""
    found: list[tuple[ours.Role, list[ours.AnyPart]]] = []
    for number, item in enumerate(items):
        role, parts = _turn(item, f"input[{number}]")
        if role == "assistant" and not parts:
            continue
        if found and found[-1][0] == role and role in ("assistant", "tool"):
            found[-1][1].extend(parts)
        else:
            found.append((role, parts))
    return [ours.Message(role, parts) for role, parts in found]


def _turn(item: Raw, where: str) -> tuple[ours.Role, list[ours.AnyPart]]:
    match item["type"]:
        case "message":
            said = converted(item, Said, where)
            parts = _parts(said.content, f"{where}.content")
            return ("system" if said.role == "developer" else said.role), parts
        case "function_call":
            call = converted(item, FunctionCall, where)
            return "assistant", [ours.ToolCall(call.call_id, call.name, whole(call.arguments))]
        case "function_call_output":
            return "tool", [_output(converted(item, FunctionOutput, where), f"{where}.output")]
        case "reasoning":
            return "assistant", _thoughts(converted(item, Reasoning, where))
    raise BodyError(f"items of the type {item['type']!r} cannot be taken", f"{where}.type", "leave it out")


def _thoughts(item: Reasoning) -> list[ours.AnyPart]:
    """Thoughts that only their maker could read are left out. A seal of ours goes before the text."""
    text, seal = "\n\n".join(one.text for one in item.content or item.summary), item.encrypted_content or ""
    own = seals.opened(seal) or seals.Thought(text, seal)
    return [ours.Reasoning(own.text or text, own.signature)] if own.text or text else []


def _output(item: FunctionOutput, where: str) -> ours.ToolResult:
    if isinstance(item.output, str):
        return ours.ToolResult(item.call_id, item.output)
    parts: list[ours.Text | ours.Image] = []
    for number, part in enumerate(_parts(item.output, where)):
        told = ours.Text(part.marked) if isinstance(part, ours.Document) else part
        if not isinstance(told, ours.Text | ours.Image):
            raise BodyError("a tool gives text, pictures or documents", f"{where}[{number}]")
        parts.append(told)
    return ours.ToolResult(item.call_id, parts)


def _parts(content: Content, where: str) -> list[ours.AnyPart]:
    if isinstance(content, str):
        return [ours.Text(content)]
    return [_part(part, f"{where}[{number}]") for number, part in enumerate(content)]


def _part(part: AnyPart, where: str) -> ours.AnyPart:
    match part:
        case InputText() | OutputText():
            return ours.Text(part.text)
        case Refusal():
            return ours.Text(part.refusal)
        case InputImage():
            if part.image_url is None:
                raise BodyError("no files are kept here: send image_url", f"{where}.file_id")
            return ours.Image(*data_of(part.image_url, f"{where}.image_url"))
        case InputAudio():
            return sound_of(part.input_audio, f"{where}.input_audio")
        case InputFile():
            if part.file_url is not None:
                raise BodyError("URLs are not fetched", f"{where}.file_url", ELSEWHERE)
            return file_of(File(part.file_data, part.filename, part.file_id), where)
