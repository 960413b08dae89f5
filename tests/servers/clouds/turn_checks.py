"""What the clouds check of turns with calls of tools and pictures."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any

Refuse = Callable[[str], Exception]

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
PICTURES = {
    "image/png": b"\x89PNG",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}


def check_picture(media_type: str, data: object, refuse: Refuse, most: int = 5 * 1024 * 1024) -> None:
    """Base64 of a picture of a kind that is taken, and not too large."""
    if media_type not in PICTURES:
        raise refuse(f"unsupported image: {media_type}")
    try:
        raw = base64.b64decode(str(data), validate=True)
    except binascii.Error:
        raise refuse("invalid base64 data") from None
    if not raw.startswith(PICTURES[media_type]):
        raise refuse("image does not match the provided media type")
    if len(raw) > most:
        raise refuse(f"image exceeds {most} bytes maximum: {len(raw)} bytes > {most} bytes")


def check_data_uri(url: object, refuse: Refuse, most: int = 20 * 1024 * 1024) -> None:
    """A picture in its own address."""
    found = re.fullmatch(r"data:([\w/+.-]+);base64,(.*)", str(url))
    if found is None:
        raise refuse("failed to download image")
    check_picture(found[1], found[2], refuse, most)


def check_functions(tools: object, refuse: Refuse) -> list[str]:
    """Tools as OpenAI and Cohere write them; their names."""
    if not isinstance(tools, list) or not tools:
        raise refuse("tools: empty array")
    names = []
    for tool in tools:
        function = tool.get("function", {})
        if tool.get("type") != "function" or set(function) - {"name", "description", "parameters", "strict"}:
            raise refuse("tools: invalid")
        if not TOOL_NAME.fullmatch(function.get("name", "")):
            raise refuse("tools: name does not match the pattern")
        if function.get("parameters", {}).get("type") != "object":
            raise refuse("tools: schema must be a JSON Schema of 'type: \"object\"'")
        names.append(function["name"])
    if len(set(names)) != len(names):
        raise refuse("tools: names must be unique")
    return names


def check_answered(messages: list[dict[str, Any]], refuse: Refuse) -> None:
    """Each call of OpenAI's and Cohere's turns is answered by the tool messages behind it, and these answer
    calls."""
    open_ids: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_ids:
                raise refuse("messages with role 'tool' must be a response to a preceding 'tool_calls'")
            open_ids.discard(message["tool_call_id"])
            continue
        if open_ids:
            raise refuse(f"tool_call_ids did not have response messages: {sorted(open_ids)}")
        called = list(_calls(message, refuse))
        open_ids = set(called)
        if len(open_ids) != len(called):
            raise refuse("tool call ids must be unique")
    if open_ids:
        raise refuse(f"tool_call_ids did not have response messages: {sorted(open_ids)}")


def _calls(message: dict[str, Any], refuse: Refuse) -> Iterator[str]:
    for call in message.get("tool_calls") or []:
        function = call.get("function", {})
        if call.get("type") != "function" or not isinstance(function.get("arguments"), str):
            raise refuse("tool_calls: invalid")
        if not call.get("id") or not function.get("name"):
            raise refuse("tool_calls: id and name are required")
        yield call["id"]
