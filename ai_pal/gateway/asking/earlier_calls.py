"""Calls of tools in a conversation that goes on without tools: a model that knows none reads them as text."""

from collections.abc import Callable, Sequence

from ai_pal.client import AsyncClient
from ai_pal.client.asking import Asking
from ai_pal.errors import AiPalError
from ai_pal.gateway.asking.asked import AUTO, Begin, Coming
from ai_pal.gateway.asking.model_abilities import can
from ai_pal.gateway.asking.starting import Starting
from ai_pal.protocol.content import AnyPart, Message, Text, ToolCall, ToolResult
from ai_pal.protocol.message_rules import objection_to_messages

Ask = Callable[[list[Message]], Begin]


def as_it_reads(ask: Ask, messages: list[Message], how: Asking) -> Begin:
    """The question about this conversation, in the form that the model can read. With tools it has to know
    them anyway."""
    if how.get("tools") or not any(map(_has_calls, messages)):
        return ask(messages)

    def begin(client: AsyncClient, said: Asking) -> Coming:
        async def opened() -> Coming:
            model = how.get("model") or ""
            knows = model in ("", *AUTO) or await can(client, model, "tools")
            if knows:
                return ask(messages)(client, said)
            if why := objection_to_messages(messages):  # as text, nobody else would look
                raise AiPalError(why)
            return ask(as_text(messages))(client, said)

        return Starting(opened())

    return begin


def as_text(messages: Sequence[Message]) -> list[Message]:
    """With each call as what the assistant has said, and what came of it as what it was told. Pure."""
    names = {part.id: part.name for one in messages for part in one.parts if isinstance(part, ToolCall)}
    found: list[Message] = []
    for message in messages:
        if not _has_calls(message):
            told = message
        else:
            role = "user" if message.role == "tool" else message.role
            told = Message(role, [one for part in message.parts for one in _as_text(part, names)])
        before = found[-1] if found else None
        if before is not None and before.role == told.role == "user" and told is not message:
            found[-1] = Message("user", [*before.parts, *told.parts])
        else:
            found.append(told)
    return found


def _has_calls(message: Message) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for part in message.parts)


def _as_text(part: AnyPart, names: dict[str, str]) -> list[AnyPart]:
    match part:
        case ToolCall():
            return [Text(f"\n[{part.name} is called with {part.arguments}]")]
        case ToolResult(content=str() as text):
            return [Text(f"[{names.get(part.id, 'a tool')} gave: {text}]\n")]
        case ToolResult(content=parts):
            return [Text(f"[{names.get(part.id, 'a tool')} gave:]\n"), *parts]
    return [part]
