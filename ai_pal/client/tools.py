"""Tools in the forms in which people have them: our own, dicts, and plain functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.options import NamedTool, Tool, ToolChoice

AnyTool = Tool | Mapping[str, Any] | Callable[..., Any]

CHOICES = ("auto", "none", "required")


def tools_of(values: Sequence[AnyTool]) -> list[Tool]:
    """Each as a tool. Raises `TypeError` for what is none, and `AiPalError` (`bad_request`)."""
    if isinstance(values, str | Mapping) or not isinstance(values, Sequence):
        raise TypeError("tools takes a list of tools: Tool(...), dicts or functions")
    return [tool_of(value) for value in values]


def tool_of(value: AnyTool) -> Tool:
    """One tool; raises as `tools_of`."""
    if isinstance(value, Tool):
        return value
    if isinstance(value, Mapping):
        return _of_dict(value)
    if callable(value):
        from ai_pal.client.functions import Function

        return Function(value).tool
    raise TypeError(f"a tool is a Tool, a dict or a function, not {type(value).__name__}")


def choice_of(value: ToolChoice | str) -> ToolChoice:
    """Whether tools are called; the name of one means that one."""
    return NamedTool(value) if isinstance(value, str) and value not in CHOICES else value  # type: ignore[return-value]


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    type: str = "function"
    strict: bool | None = None


def _of_dict(value: Mapping[str, Any]) -> Tool:
    inner = value.get("function")
    if isinstance(inner, Mapping):  # as the chat endpoint of OpenAI has it
        value = {**{name: more for name, more in value.items() if name != "function"}, **inner}
    try:
        given = msgspec.convert(dict(value), _Given)
    except msgspec.ValidationError as error:
        raise _refused(
            f"a tool cannot be read: {error}", "it has a name, a description and parameters"
        ) from None
    if given.type != "function":
        raise _refused(f"a tool of the type {given.type!r} is none of ours", "functions are tools")
    if given.strict:
        hint = "leave it out: a tool that has to be called is bound to its schema in any case"
        raise _refused("strict cannot be promised for every model", hint)
    named = {"parameters": given.parameters} if given.parameters is not None else {}
    return Tool(given.name, given.description or "", **named)


def _refused(message: str, hint: str) -> AiPalError:
    return AiPalError(Failure(Code.BAD_REQUEST, message, hint))
