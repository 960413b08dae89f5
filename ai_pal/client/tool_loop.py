"""Questions and tools in turns: what is to be run after an answer, and what is asked next. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ai_pal.client.answer import Answer
from ai_pal.client.functions import Function, content_of
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import AnyPart, Message, ToolCall, ToolResult

ROUNDS = 8
"""How often tools are run before an answer stands as it is."""

SAME = 2
"""How often one call may give one result before it is not made again."""

OnCall = Callable[[ToolCall], Any]
"""Told of each call before it is made; False (and nothing else) refuses it."""

REFUSED = "the user does not allow this call"


class Planned(NamedTuple):
    """One call of an answer: `run` makes it, or `error` says why it cannot be made."""

    call: ToolCall
    run: Callable[[], Any] | None
    is_async: bool = False
    error: str = ""


class ToolLoop:
    """One question with functions. Raises `TypeError` for what cannot be a tool."""

    def __init__(
        self,
        functions: Sequence[Callable[..., Any]],
        messages: Sequence[Message],
        how: Mapping[str, Any],
        rounds: int,
    ) -> None:
        if rounds < 1:
            raise ValueError("rounds takes 1 or more")
        if how.get("tools") or getattr(how.get("options"), "tools", None):
            raise TypeError("tools and functions are given: here the functions are the tools")
        self._functions = {one.name: one for one in map(Function, functions)}
        if len(self._functions) < len(functions):
            raise TypeError("two functions have the same name")
        self.messages = list(messages)
        self._how = {**how, "tools": [one.tool for one in self._functions.values()]}
        self._left = rounds
        self._rounds = rounds
        self._results: dict[tuple[str, str], list[object]] = {}

    @property
    def how(self) -> dict[str, Any]:
        """The keywords of the next question. What was to be called has been: then the model is free."""
        again = self._left < self._rounds and self._how.get("tool_choice") not in (None, "none")
        return {**self._how, "tool_choice": "auto"} if again else self._how

    def planned(self, answer: Answer) -> list[Planned]:
        """What is to be run before the next question; nothing when this is the last answer."""
        self.messages.append(_sendable(answer.message))
        answer.conversation = self.messages
        calls = answer.tool_calls
        if not calls or answer.finish_reason == "cancelled":
            return []
        if not self._left:
            reason = f"tools were run {self._rounds} times, and it still calls some: it ends here"
            answer.notices.append(wire.Notice(0, "rounds", reason))
            return []
        self._left -= 1
        return [self._plan(call) for call in calls]

    def answered(self, results: Sequence[ToolResult]) -> None:
        """What has come of the calls."""
        self.messages.append(Message("tool", list(results)))

    def result(self, planned: Planned, value: Any) -> ToolResult:
        """What a call has given."""
        try:
            content = content_of(value)
        except (TypeError, ValueError, RecursionError) as error:
            return self.failed(planned, error)
        self._results.setdefault(_key(planned.call), []).append(content)
        return ToolResult(planned.call.id, content)

    def failed(self, planned: Planned, error: Exception | str) -> ToolResult:
        """Why a call has given nothing."""
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        return ToolResult(planned.call.id, text, is_error=True)

    def _plan(self, call: ToolCall) -> Planned:
        function = self._functions.get(call.name)
        if function is None:
            names = ", ".join(self._functions)
            return Planned(call, None, error=f"there is no tool {call.name!r}; there are: {names}")
        earlier = self._results.get(_key(call), [])[-SAME:]
        if len(earlier) == SAME and all(one == earlier[0] for one in earlier):
            return Planned(call, None, error="this call has given the same result twice: use that result")
        try:
            return Planned(call, function.bound(call.arguments), function.is_async)
        except ValueError as error:
            return Planned(call, None, error=f"the arguments are not as they should be: {error}")


def _sendable(message: Message) -> Message:
    """The turn of an answer as it can be sent back: what was called with is an object. What was wrong with it
    is told with the result."""
    parts: list[AnyPart] = [
        msgspec.structs.replace(part, arguments="{}")
        if isinstance(part, ToolCall) and not _is_object(part.arguments)
        else part
        for part in message.parts
    ]
    return message if isinstance(message.content, str) else Message(message.role, parts)


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _key(call: ToolCall) -> tuple[str, str]:
    """The same for two calls that ask for the same, however they write it."""
    try:
        value = msgspec.json.decode(call.given)
    except (msgspec.DecodeError, RecursionError):
        return call.name, call.arguments
    return call.name, msgspec.json.encode(value, order="sorted").decode()
