"""What the scripted model says: the calls of tools that do a task, one a turn, then a sentence. Pure."""

from typing import Any

import msgspec

from tests.servers.clouds.schema_checks import smallest

SIDE = "A short title"
"""To whatever is asked beside the task: titles, topics, summaries."""


class Call(msgspec.Struct, frozen=True):
    tool: str
    arguments: dict[str, Any]


class Plan(msgspec.Struct, frozen=True):
    """`calls` are made one after the other, as far as they are offered; `end` is said behind the last.
    `beside` are made in one turn with the first of them, where they are offered too."""

    calls: tuple[Call, ...] = ()
    end: str = "Done: the function is there."
    beside: tuple[Call, ...] = ()


def said(asked: dict[str, Any], plan: Plan) -> tuple[Call, ...] | str:
    """What comes next in a conversation: it depends on the request alone."""
    tools = {tool["function"]["name"]: tool["function"] for tool in asked.get("tools") or []}
    choice = asked.get("tool_choice")
    form = asked.get("response_format") or {}
    made = sum(1 for turn in asked["messages"] if turn["role"] == "assistant" and turn.get("tool_calls"))
    if isinstance(choice, dict):
        return (_smallest_call(tools[choice["function"]["name"]]),)
    if choice != "none" and made < len(plan.calls) and plan.calls[made].tool in tools:
        beside = () if made else plan.beside
        return (plan.calls[made], *(call for call in beside if call.tool in tools))
    if choice == "required":
        return (_smallest_call(next(reversed(tools.values()))),)
    if form.get("type") == "json_schema":
        schema = form["json_schema"]["schema"]
        return msgspec.json.encode(smallest(schema, schema)).decode()
    return plan.end if made or not plan.calls else SIDE


def _smallest_call(function: dict[str, Any]) -> Call:
    schema = function["parameters"]
    return Call(function["name"], smallest(schema, schema))
