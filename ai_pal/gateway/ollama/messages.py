"""The conversation of Ollama's /api/chat, as messages of ours. Pure."""

import itertools
from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec

from ai_pal.gateway.asking.account_lines import without_lines
from ai_pal.gateway.asking.data_urls import picture_of, unpacked
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol import content as ours


class Function(msgspec.Struct):
    name: str
    arguments: dict[str, Any] | None = None


class Call(msgspec.Struct):
    function: Function
    id: str | None = None


ROLES: dict[str, ours.Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


class Message(msgspec.Struct):
    """null says nothing, as in Go; roles are in any case, and OpenAI's `developer` is the system's."""

    role: str
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[Call] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None


def _role(message: Message, where: str) -> ours.Role:
    role = ROLES.get(message.role.lower())
    if role is None:
        known = ", ".join(dict.fromkeys(ROLES.values()))
        raise BodyError(f"{message.role!r} is no role", f"{where}.role", known)
    return role


def conversation(messages: Iterable[Message]) -> list[ours.Message]:
    """These messages as ours. Calls and their results find each other by id, by name, or else by their order;
    before a result whose call the client has dropped with its oldest turns, which Ollama takes, stands one
    again. Raises `BodyError`."""
    found: list[ours.Message] = []
    open_calls = OpenCalls()
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        role = _role(message, where)
        if role == "tool":
            call = open_calls.answered(message)
            if call is None:
                call = ours.ToolCall(f"call_{number}", message.tool_name or "tool", "{}")
                found.append(ours.Message("assistant", [call]))
            found.append(ours.Message("tool", [ours.ToolResult(call.id, message.content or "")]))
            continue
        parts: list[ours.AnyPart] = [ours.Reasoning(message.thinking)] if message.thinking else []
        parts += [picture(data, f"{where}.images[{n}]") for n, data in enumerate(message.images or [])]
        before = _same_turn(found, role, calls=bool(message.tool_calls))
        if not parts and not before and not message.tool_calls:
            found.append(ours.Message(role, message.content or ""))
            continue
        if message.content:
            parts.append(ours.Text(message.content))
        for index, given in enumerate(message.tool_calls or []):
            arguments = msgspec.json.encode(given.function.arguments or {}).decode()
            call = ours.ToolCall(given.id or f"call_{number}_{index}", given.function.name, arguments)
            open_calls.add(call)
            parts.append(call)
        before += parts
        found.append(ours.Message(role, before))
    return without_lines(found)


def _same_turn(found: list[ours.Message], role: ours.Role, *, calls: bool) -> list[ours.AnyPart]:
    """Takes off what a message goes on with. Strands tells each call, and text among them, in messages of
    their own; but behind a turn with calls come their results."""
    if role != "assistant" or not found or found[-1].role != "assistant":
        return []
    if not calls and not any(isinstance(part, ours.ToolCall) for part in found[-1].parts):
        return []
    before = found.pop()
    return [*before.parts] if isinstance(before.content, str) else before.content


class OpenCalls:
    """Calls without a result, the earliest first."""

    def __init__(self) -> None:
        self._open: dict[int, ours.ToolCall] = {}
        self._places = itertools.count()
        self._all: deque[int] = deque()
        self._by_id: dict[str, deque[int]] = {}
        self._by_name: dict[str, deque[int]] = {}

    def add(self, call: ours.ToolCall) -> None:
        """One more."""
        place = next(self._places)
        self._open[place] = call
        for places in (
            self._all,
            self._by_id.setdefault(call.id, deque()),
            self._by_name.setdefault(call.name, deque()),
        ):
            places.append(place)

    def answered(self, message: Message) -> ours.ToolCall | None:
        """The one that this is the result of, which is open no more."""
        places: deque[int] | None = self._all
        if message.tool_call_id:
            places = self._by_id.get(message.tool_call_id)
        elif message.tool_name:
            places = self._by_name.get(message.tool_name)
        while places:
            if (call := self._open.pop(places.popleft(), None)) is not None:
                return call
        return None


def picture(data: str, where: str) -> ours.AnyPart:
    """One of `images`. Raises `AiPalError`: it is none."""
    return picture_of(unpacked(data, where), where)
