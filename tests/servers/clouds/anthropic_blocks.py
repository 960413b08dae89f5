"""Anthropic's rules for blocks, tools, thinking and forms, and the blocks of an answer."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from tests.servers.clouds import schema_checks, turn_checks
from tests.servers.clouds.anthropic_model import Model

ID = re.compile(r"[a-zA-Z0-9_-]+", re.ASCII)
FIELDS = {
    "text": {"text"},
    "image": {"source"},
    "document": {"source", "title"},
    "tool_use": {"id", "name", "input"},
    "tool_result": {"tool_use_id", "content", "is_error"},
    "thinking": {"thinking", "signature"},
    "redacted_thinking": {"data"},
}
OF_ASSISTANT = {"text", "tool_use", "thinking", "redacted_thinking"}
KEYWORDS = frozenset(
    {"type", "enum", "const", "properties", "required", "additionalProperties", "items", "anyOf", "allOf"}
    | {"$ref", "$defs", "definitions", "description", "title", "format", "minItems"}
)
THOUGHT = ("let me ", "think")

Block = tuple[dict[str, Any], list[dict[str, Any]]]


class Wrong(Exception):  # noqa: N818 (it becomes a refusal)
    """What is wrong, in the API's words."""


def signature(thought: str) -> str:
    """Proves that a thought is unchanged."""
    return hashlib.sha256(thought.encode()).hexdigest()


def check_blocks(role: str, blocks: list[dict[str, Any]]) -> None:
    """Each block by itself."""
    for block in blocks:
        kind = block.get("type", "")
        if kind not in FIELDS or block.keys() - {"type", "cache_control"} - FIELDS[kind]:
            raise Wrong(f"Extra inputs are not permitted: {sorted(block)}")
        if (role == "assistant" and kind not in OF_ASSISTANT) or (
            role == "user" and kind in OF_ASSISTANT - {"text"}
        ):
            raise Wrong(f"{kind} blocks are not permitted in turns of {role}")
        _check_block(kind, block)


def _check_block(kind: str, block: dict[str, Any]) -> None:
    if kind == "image":
        source = block["source"]
        turn_checks.check_picture(source["media_type"], source["data"], Wrong)
    elif kind == "document":
        if block["source"].get("media_type") != "text/plain" or not block["source"].get("data"):
            raise Wrong("document: source.data is required")
    elif kind == "tool_use":
        if not ID.fullmatch(block["id"]) or not isinstance(block["input"], dict):
            raise Wrong("tool_use: id should match pattern, input should be a valid dictionary")
    elif kind == "thinking" and block["signature"] != signature(block["thinking"]):
        raise Wrong("Invalid `signature` in `thinking` block")
    elif kind == "tool_result" and isinstance(block.get("content"), list):
        check_blocks("user", block["content"])


def check_answered(messages: list[dict[str, Any]]) -> None:
    """Each call is answered in the turn behind it, before all else that is said there."""
    open_ids: set[str] = set()
    for message in messages:
        blocks = message["content"] if isinstance(message["content"], list) else []
        answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        kinds = [block["type"] == "tool_result" for block in blocks]
        if kinds != sorted(kinds, reverse=True):
            raise Wrong("`tool_result` blocks must come first")
        if unexpected := set(answered) - open_ids:
            raise Wrong(f"unexpected `tool_use_id` found in `tool_result` blocks: {unexpected}")
        if missing := open_ids - set(answered):
            raise Wrong(
                f"`tool_use` ids were found without `tool_result` blocks immediately after: {missing}"
            )
        called = [block["id"] for block in blocks if block["type"] == "tool_use"]
        open_ids = set(called)
        if len(open_ids) != len(called):
            raise Wrong("`tool_use` ids must be unique")
    if open_ids:
        raise Wrong("`tool_use` ids were found without `tool_result` blocks immediately after")


def check_tools(asked: dict[str, Any], model: Model) -> None:
    """Tools, and whether they have to be called."""
    tools, choice = asked.get("tools") or [], asked.get("tool_choice")
    used = any(
        isinstance(message["content"], list)
        and any(block["type"] in ("tool_use", "tool_result") for block in message["content"])
        for message in asked["messages"]
    )
    if not tools and (choice or used):
        raise Wrong("Requests which include `tool_use` or `tool_result` blocks must define tools")
    _check_offered(tools)
    if choice is not None:
        _check_choice(choice, asked, model)


def _check_offered(tools: list[dict[str, Any]]) -> None:
    for tool in tools:
        if tool.keys() - {"name", "description", "input_schema", "strict"}:
            raise Wrong("tools: Extra inputs are not permitted")
        if not turn_checks.TOOL_NAME.fullmatch(tool["name"]):
            raise Wrong("tools.0.custom.name: String should match pattern")
        if tool["input_schema"].get("type") != "object":
            raise Wrong("tools.0.custom.input_schema.type: Input should be 'object'")
    if len({tool["name"] for tool in tools}) != len(tools):
        raise Wrong("tools: Tool names must be unique.")


def _check_choice(choice: dict[str, Any], asked: dict[str, Any], model: Model) -> None:
    tools = asked.get("tools") or []
    if choice["type"] == "none" and "disable_parallel_tool_use" in choice:
        raise Wrong("tool_choice.none: Extra inputs are not permitted")
    if choice["type"] == "tool" and choice["name"] not in [tool["name"] for tool in tools]:
        raise Wrong(f"Tool '{choice['name']}' not found in provided tools")
    if choice["type"] in ("any", "tool"):
        if model.thinks == "always":
            raise Wrong("tool_choice forces tool use is not supported for this model.")
        if thinks(asked, model):
            raise Wrong("Thinking may not be enabled when tool_choice forces tool use.")


def thinks(asked: dict[str, Any], model: Model) -> bool:
    """Whether it thinks in this request."""
    kind = (asked.get("thinking") or {}).get("type")
    return kind in ("enabled", "adaptive") or (kind is None and model.by_default)


def check_thinking(asked: dict[str, Any], model: Model) -> None:
    """What is asked of its thinking."""
    thinking = asked.get("thinking")
    effort = (asked.get("output_config") or {}).get("effort")
    if effort is not None and (effort not in ("low", "medium", "high") or model.thinks in ("", "budget")):
        raise Wrong("output_config.effort: not supported for this model")
    if thinking is None:
        return
    kind = thinking["type"]
    taken = {
        "": set(),
        "budget": {"enabled", "disabled"},
        "both": {"enabled", "disabled", "adaptive"},
        "adaptive": {"disabled", "adaptive"},
        "always": {"adaptive"},
    }[model.thinks]
    if kind not in taken:
        raise Wrong(f'"thinking.type.{kind}" is not supported for this model.')
    if kind == "enabled" and not 1024 <= thinking["budget_tokens"] < asked["max_tokens"]:
        raise Wrong("`max_tokens` must be greater than `thinking.budget_tokens`, which is at least 1024")
    if kind in ("enabled", "adaptive") and (asked.get("temperature", 1) != 1 or "top_k" in asked):
        raise Wrong("`temperature` may only be set to 1 when thinking is enabled.")
    if kind == "enabled":
        for message in asked["messages"]:
            blocks = message["content"] if isinstance(message["content"], list) else []
            kinds = [block["type"] for block in blocks]
            if "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking"):
                raise Wrong("Expected `thinking` or `redacted_thinking`, but found `tool_use`.")


def check_form(asked: dict[str, Any], model: Model) -> None:
    """The schema of the answer."""
    form = (asked.get("output_config") or {}).get("format")
    if form is None:
        return
    if not model.forms:
        raise Wrong("output_config.format: this model does not support structured outputs")
    schema_checks.check(form["schema"], Wrong, keywords=KEYWORDS, full=False, closed=True)


def called(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The tools that are called: the one that has to be, else all of them, or one at a time; none where the
    last turn answers calls."""
    choice = asked.get("tool_choice") or {"type": "auto"}
    tools = asked.get("tools") or []
    last = asked["messages"][-1]["content"]
    if choice["type"] == "none" or (isinstance(last, list) and last[0]["type"] == "tool_result"):
        return []
    if choice["type"] == "tool":
        return [tool for tool in tools if tool["name"] == choice["name"]]
    return tools[:1] if choice.get("disable_parallel_tool_use") else tools


def thoughts(asked: dict[str, Any]) -> Iterator[Block]:
    """What it thinks where it was told to."""
    kind = (asked.get("thinking") or {}).get("type")
    if kind not in ("enabled", "adaptive"):
        return
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in THOUGHT]
    proof = {"type": "signature_delta", "signature": signature("".join(THOUGHT))}
    yield {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, proof]
    yield {"type": "redacted_thinking", "data": "c2VjcmV0"}, []


def tool_use(number: int, tool: dict[str, Any], word: str) -> Block:
    """A call, with what validates, or with a word that was said."""
    schema = tool["input_schema"]
    arguments = schema_checks.smallest(schema, schema) if schema.get("required") else {"said": word}
    written = json.dumps(arguments)
    pieces = ["", written[:5], written[5:]]
    block = {"type": "tool_use", "id": f"toolu_{number}", "name": tool["name"], "input": {}}
    return block, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
