"""Calls of tools and what came of them, as OpenAI and Anthropic publish it: no call stays without a result.
Pure."""

from collections.abc import Sequence

from ai_pal.protocol.content import Message, ToolCall, ToolResult


def unanswered(messages: Sequence[Message]) -> tuple[int, str] | None:
    """The first turn with a call, named by its id, whose result does not stand right behind that turn."""
    at, waiting = 0, dict[str, None]()
    for number, message in enumerate(messages):
        if message.role == "tool":
            for result in _results(message):
                waiting.pop(result, None)
            continue
        if waiting:
            break
        at, waiting = number, dict.fromkeys(_calls(message))
    return (at, next(iter(waiting))) if waiting else None


def never_answered(messages: Sequence[Message]) -> str | None:
    """The first call, by its id, whose result comes nowhere."""
    results = {result for message in messages for result in _results(message)}
    calls = (call for message in messages for call in _calls(message))
    return next((call for call in calls if call not in results), None)


def _calls(message: Message) -> list[str]:
    return [part.id for part in message.parts if isinstance(part, ToolCall)]


def _results(message: Message) -> list[str]:
    return [part.id for part in message.parts if isinstance(part, ToolResult)]
