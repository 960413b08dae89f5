"""Reads calls of tools whose arguments stand in tags, and Gemma's, when they are complete. Pure."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from ai_pal.protocol.options import Tool

Read = Callable[[str], list[tuple[str, dict[str, Any]]]]
QUOTE = '<|"|>'
_KEY = re.compile(r"([{,]\s*)([^\s\"{},:\[\]]+)\s*:")
_GEMMA = re.compile(r"call:([^{\s]+)(?=\{)")


def tagged(name: str, pair: str, tools: Sequence[Tool]) -> Read:
    """What reads calls of which `name` finds each name, and `pair` the key and the value of each argument."""
    names, pairs = re.compile(name, re.DOTALL), re.compile(pair, re.DOTALL)
    types = {tool.name: tool.parameters.get("properties", {}) for tool in tools}

    def read(text: str) -> list[tuple[str, dict[str, Any]]]:
        found = list(names.finditer(text))
        ends = [*(one.start() for one in found[1:]), len(text)]
        calls = []
        for one, end in zip(found, ends, strict=False):
            schemas = types.get(one["name"], {})
            arguments = {
                each["key"]: _value(each["value"], schemas.get(each["key"]))
                for each in pairs.finditer(text, one.end(), end)
            }
            calls.append((one["name"], arguments))
        return calls

    return read


def gemma(text: str) -> list[tuple[str, dict[str, Any]]]:
    """`call:name{key:<|"|>text<|"|>,other:1}`. Raises `ValueError` for what is none."""
    begun = _GEMMA.search(text)
    if begun is None:
        raise ValueError("no call")
    pieces = text[begun.end() :].split(QUOTE)
    written = [
        json.dumps(one) if number % 2 else _KEY.sub(r'\1"\2":', one) for number, one in enumerate(pieces)
    ]
    arguments, _ = json.JSONDecoder().raw_decode("".join(written))
    return [(begun[1], arguments)]


def _value(text: str, schema: Any) -> Any:
    """As the tool wants it: a text as it stands, all else as JSON where it is some."""
    if isinstance(schema, dict) and schema.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
