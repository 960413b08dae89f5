"""`functions` and `function_call`, as OpenAI had them before there were tools, and agents of then send them:
tools of which one at most is called. Pure."""

from typing import Any, Literal

import msgspec

from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol.content import ToolCall


class Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(msgspec.Struct):
    function: Function
    type: Literal["function"] = "function"


class FunctionName(msgspec.Struct):
    name: str


class NamedChoice(msgspec.Struct, tag_field="type", tag="function"):
    function: FunctionName


FunctionChoice = Literal["none", "auto"] | FunctionName


def as_tools(
    functions: list[Function] | None, choice: FunctionChoice | None, beside: dict[str, Any]
) -> dict[str, Any]:
    """The fields of today that say the same; `beside` are those that were sent too. Raises `BodyError`."""
    if functions is None:
        if choice is not None:
            raise BodyError("there are no functions to call", "function_call", "send them as functions")
        return {}
    for name, value in beside.items():
        if value is not None:
            raise BodyError(f"functions have no {name} beside them", "functions", "send all as tools")
    if not functions:
        raise BodyError("there is no function in it", "functions", "leave it out")
    chosen = NamedChoice(choice) if isinstance(choice, FunctionName) else choice
    return {
        "tools": [FunctionTool(function) for function in functions],
        "tool_choice": chosen,
        "parallel_tool_calls": False,
    }


class Named:
    """The calls of a conversation, which had no ids then: a result is that of the last call of its name."""

    def __init__(self) -> None:
        self._open: dict[str, str] = {}

    def called(self, number: int, name: str) -> str:
        """An id for the call in this message."""
        self._open[name] = f"call_{number}"
        return self._open[name]

    def answered(self, name: str, where: str) -> str:
        """The id of the call that this is the result of. Raises `BodyError`."""
        if name not in self._open:
            hint = "a message of the assistant with its function_call goes before it"
            raise BodyError(f"no function {name!r} was called", f"{where}.name", hint)
        return self._open.pop(name)


def told(call: ToolCall) -> dict[str, str]:
    """A call as it was written then."""
    return {"name": call.name, "arguments": call.arguments}
