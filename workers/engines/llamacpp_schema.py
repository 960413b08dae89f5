"""Grammars that hold an answer of llama.cpp to a JSON schema, or to calls of tools, in llguidance's Lark.

llama.cpp's own converter weakens what it does not know, and answers freely where a grammar of llguidance does
not compile: so each is compiled here first, and what cannot be expressed is refused with its path.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ai_pal.errors import Code, fail
from ai_pal.protocol.options import JsonObject, JsonSchema, NamedTool, Tool, ToolChoice
from workers.schema_faults import find_fault

HEAD = "%llguidance {}\n"
COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""JSON as most programs write it. Where blanks are free, a small model spends its answer on them."""
THOUGHT = r"thought[lazy]: /(?s:.*)<\/think>\s*/"
ANY_OBJECT: dict[str, Any] = {"type": "object"}
REMEMBERED = 64
ONE = ("additionalProperties", "items", "not", "contains", "propertyNames", "if", "then", "else")
ONE_EACH = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
OTHERS = {
    "additionalProperties",
    "patternProperties",
    "unevaluatedProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "$ref",
}
"""Keywords beside `properties` that say something about other ones."""


def schema_grammar(wanted: JsonObject | JsonSchema, thought: str) -> str:
    """`thought` says what comes first: "" nothing, "?" maybe a thought, "!" one that has begun already.

    Raises `AiPalError` (`unsupported`) with the path of what cannot be expressed."""
    schema = wanted.schema if isinstance(wanted, JsonSchema) else ANY_OBJECT
    check(schema, "")
    return _lark("answer", thought, f"answer: {_json(schema)}")


def calls_grammar(tools: Sequence[Tool], choice: ToolChoice, several: bool, thought: str) -> str:
    """Calls of the tools that the choice allows, one per line, as `opening` begins them. Raises as
    `schema_grammar`, and `bad_request` for a tool that is not there."""
    rules: list[str] = []
    names: list[str] = []
    for tool in tools:
        if isinstance(choice, NamedTool) and tool.name != choice.name:
            continue
        check(tool.parameters, f"tool {tool.name}, ")
        number = len(names)
        names.append(f"call{number}")
        rules.append(f'call{number}: {json.dumps(opening(tool.name))} arguments{number} "}}"')
        rules.append(f"arguments{number}: {_json(tool.parameters)}")
    if not names:
        name = choice.name if isinstance(choice, NamedTool) else ""
        fail(Code.BAD_REQUEST, f"there is no tool {name!r} to call", "name one of the request's tools")
    rules.append("call: " + " | ".join(names))
    calls = 'call ("\\n" call)*' if several else "call"
    return _lark("calls", thought, f"calls: {calls}", *rules)


def opening(name: str) -> str:
    """What a call begins with; its arguments and a brace follow."""
    return f'{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": '


def check(schema: dict[str, Any], where: str) -> None:
    """Raises `AiPalError` (`unsupported`) for a schema that cannot be expressed."""
    try:
        text = json.dumps(schema, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        fail(Code.BAD_REQUEST, f"{where}the schema is no JSON: {error}")
    if not complaint(text):
        return
    found = find_fault(schema, lambda part: complaint(json.dumps(part)) if isinstance(part, dict) else "")
    path, words = found or ("#", complaint(text))
    fail(
        Code.UNSUPPORTED,
        f"llama.cpp cannot hold an answer to this schema: {where}{path}: {words}",
        "say it in another way, or leave that part out and check the answer yourself",
    )


@lru_cache(maxsize=REMEMBERED * 8)
def complaint(schema: str) -> str:
    """What the compiler says against a schema, "" if nothing."""
    import llguidance

    try:
        grammar = llguidance.LLMatcher.grammar_from_json_schema(schema)
        wrong, messages = llguidance.LLMatcher.validate_grammar_with_warnings(grammar)
    except ValueError as error:
        return str(error).strip().splitlines()[0]
    if not wrong:
        return ""
    lines = [line for line in "\n".join(messages).splitlines() if line.strip()]
    line = lines[-1] if lines[:1] == ["regex parse error:"] else lines[0] if lines else "it does not compile"
    return line.split(" Enable '")[0].removeprefix("error: ")


def closed(schema: Any) -> Any:
    """The same, with objects that have no other properties than are named, where the schema leaves that open:
    models seldom find an end of inventing some. What several schemas say together stays as it is."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {
        key: {name: closed(one) for name, one in value.items()}
        if key in ONE_EACH and isinstance(value, dict)
        else closed(value)
        if key in ONE or key in LISTS
        else value
        for key, value in schema.items()
    }
    return (
        {**inner, "additionalProperties": False}
        if "properties" in schema and OTHERS.isdisjoint(schema)
        else inner
    )


def _json(schema: dict[str, Any]) -> str:
    whole = schema if '"allOf"' in json.dumps(schema) else closed(schema)
    return "%json " + json.dumps({"x-guidance": COMPACT, **whole}, allow_nan=False)


def _lark(start: str, thought: str, *rules: str) -> str:
    """The grammar; a thought that is not begun yet begins with its tag."""
    lines = [f"start: {start}"]
    if thought == "!":
        lines = [f"start: thought {start}", THOUGHT]
    elif thought == "?":
        lines = [f"start: (open thought)? {start}", r"open: /\s*<think>/", THOUGHT]
    return HEAD + "\n".join([*lines, *rules])
