"""The messages of a conversation, looked at before they are taken: what belongs where. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol.content import (
    AnyPart,
    Audio,
    Document,
    Image,
    Message,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from ai_pal.protocol.frames import MOST_FRAMES, MOST_PARTS

_PLACES: dict[type, tuple[str, ...]] = {
    Image: ("user", "assistant"),
    Audio: ("user", "assistant"),
    Document: ("system", "user", "assistant"),
    Text: ("system", "user", "assistant"),
    Reasoning: ("assistant",),
    ToolCall: ("assistant",),
    ToolResult: ("tool",),
}
"""The roles of the messages that a part belongs to. All else in the order of turns is up to templates."""


def objection_to_messages(messages: Sequence[Message]) -> Failure | None:
    """Why no model can be given this conversation, or nothing."""
    count = sum(len(one.content) for one in messages if not isinstance(one.content, str))
    if count > MOST_PARTS:
        hint = "join texts into one, or send less at once"
        return _wrong(f"the messages have {count} parts, and at most {MOST_PARTS} are taken", hint)
    called: set[str] = set()
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if isinstance(message.content, str):
            if message.role == "tool":
                return _wrong(f"{where}: a message of a tool holds tool_result parts, which name their calls")
            continue
        new: set[str] = set()
        for index, part in enumerate(message.content):
            at = f"{where}.content[{index}]"
            if failure := _objection_to_place(message.role, part, at) or _objection_to_part(part, at, called):
                return failure
            if isinstance(part, ToolCall):
                if part.id in new:
                    return _wrong(f"{at}.id: another call of this message is {part.id!r} too")
                new.add(part.id)
        called |= new
    return None


def says_something(messages: Sequence[Message]) -> bool:
    """Whether a user has said anything: a picture alone is a prompt too."""
    return any(message.role == "user" and any(map(_says, message.parts)) for message in messages)


def _says(part: AnyPart) -> bool:
    return bool(part.text.strip()) if isinstance(part, Text | Document) else True


def objection_to_blobs(messages: Sequence[Message], blobs: Sequence[bytes | memoryview]) -> Failure | None:
    """Why what came in frames behind the request is not what its parts say, or nothing."""
    for where, part in _attachments(messages):
        if (
            isinstance(part, Image)
            and part.frame
            and (failure := _objection_to_picture(blobs[part.frame - 1], where))
        ):
            return failure
    return None


def _objection_to_place(role: str, part: AnyPart, where: str) -> Failure | None:
    places = _PLACES.get(type(part))
    if places is None:
        return _wrong(f"{where}: a part is wanted, not {type(part).__name__}")
    if role in places:
        return None
    kind = type(part).__struct_config__.tag
    return _wrong(
        f"{where}: {kind} has no place in a message of the role {role}, only of {' or '.join(places)}"
    )


def _objection_to_part(part: AnyPart, where: str, called: set[str]) -> Failure | None:
    match part:
        case Image() | Audio():
            return _objection_to_attachment(part, where)
        case ToolCall():
            return _objection_to_call(part, where)
        case ToolResult() if part.id not in called:
            hint = "send the assistant's message with the call before its result"
            return _wrong(f"{where}.id: no call before it is {part.id!r}", hint)
        case ToolResult(content=list(parts)):
            inside = (
                _objection_to_attachment(one, f"{where}.content[{index}]")
                for index, one in enumerate(parts)
                if isinstance(one, Image)
            )
            return next(filter(None, inside), None)
    return None


def _objection_to_call(call: ToolCall, where: str) -> Failure | None:
    """Templates and providers want an object; without a character there are no arguments."""
    if not call.name or not call.id:
        return _wrong(f"{where}: a call has an id and the name of its tool")
    if not call.arguments.strip():
        return None
    hint = "leave the call out, or ask again with more max_tokens"
    try:
        arguments = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        return _wrong(f"{where}.arguments: no JSON, perhaps cut off: {error}", hint)
    return None if isinstance(arguments, dict) else _wrong(f"{where}.arguments: no JSON object", hint)


def _objection_to_attachment(part: Image | Audio, where: str) -> Failure | None:
    kind = "image" if isinstance(part, Image) else "audio"
    if why := _no_bytes(part.data):
        return _wrong(f"{where}.data: {why}", "decode base64 first")
    if not part.media_type.lower().startswith(f"{kind}/"):
        return _wrong(f"{where}.media_type: {part.media_type[:40]!r} is none of {kind}s", f"such as {kind}/*")
    if part.data and part.frame:
        return _wrong(f"{where}: it has data and a frame of its own", "send one of them")
    if not 0 <= part.frame <= MOST_FRAMES:
        return _wrong(f"{where}.frame: frames are numbered from 1 to {MOST_FRAMES}, not {part.frame}")
    if part.frame:
        return None
    if not part.data:
        return _wrong(f"{where}: it has neither data nor a frame")
    return _objection_to_picture(part.data, where) if kind == "image" else None


def _no_bytes(data: object) -> str:
    """In this program a struct takes whatever it is given."""
    fine = isinstance(data, bytes | bytearray | memoryview)
    return "" if fine else f"bytes are wanted, not {type(data).__name__}"


def _objection_to_picture(data: bytes | memoryview, where: str) -> Failure | None:
    from ai_pal.protocol.pictures import FORMATS, MOST_PIXELS, NoPictureError, look_at

    try:
        picture = look_at(data)
    except NoPictureError as error:
        return Failure(Code.IMAGE_INVALID, f"{where}: no picture: {error}", f"send {FORMATS}")
    if picture.width * picture.height > MOST_PIXELS:
        size = f"{picture.width} x {picture.height} pixels"
        message = f"{where}: a picture of {size} is too large, at most {MOST_PIXELS} pixels are taken"
        return Failure(Code.IMAGE_TOO_LARGE, message, "make it smaller; models look at far fewer")
    return None


def _attachments(messages: Sequence[Message]) -> Iterable[tuple[str, Image | Audio]]:
    for number, message in enumerate(messages):
        if isinstance(message.content, str):
            continue
        for index, part in enumerate(message.content):
            where = f"messages[{number}].content[{index}]"
            if isinstance(part, Image | Audio):
                yield where, part
            elif isinstance(part, ToolResult) and not isinstance(part.content, str):
                for inner, one in enumerate(part.content):
                    if isinstance(one, Image):
                        yield f"{where}.content[{inner}]", one


def _wrong(message: str, hint: str = "see docs/ipc-protocol.md") -> Failure:
    return Failure(Code.BAD_REQUEST, message, hint)
