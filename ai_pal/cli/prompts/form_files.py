"""What binds an answer, read for argparse: JSON Schemas, grammars, tools; in a file, or as it is."""

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from ai_pal.config import paths
from ai_pal.protocol.options import Grammar, JsonSchema, NamedTool, Tool, ToolChoice

_OTHERS = frozenset({"type", "strict", "input_schema", "cache_control"})
"""What tools have elsewhere, and need not here: arguments of a call that has to be made always validate."""

STDIN = "-"
MOST_BYTES = 8 * 1024 * 1024
"""Of a file. What a model can be given is far less."""


def schema(text: str) -> JsonSchema:
    """A JSON Schema, in a file or as it is."""
    from ai_pal.protocol.schemas import objection, objection_to_names

    found, where = _json(text, "schema")
    found = {} if found is True else found
    if not isinstance(found, dict):
        raise _wrong(f"{where} holds no JSON Schema: that is a JSON object, such as {{'type': 'object'}}")
    if wrong := objection_to_names(found) or objection(found):
        raise _wrong(f"{where} holds no JSON Schema: {wrong}")
    return JsonSchema(found)


def grammar(name: str) -> Grammar:
    """A GBNF grammar, in a file."""
    text = _read(name, "grammar")
    if "::=" not in text:
        raise _wrong(f'{name} holds no grammar: GBNF has rules such as root ::= "yes" | "no"')
    return Grammar(text)


def tools(text: str) -> list[Tool]:
    """A list of tools, in a file or as it is: in OpenAI's form, or with name, description and parameters."""
    found, where = _json(text, "tools")
    listed = found.get("tools") if isinstance(found, dict) and "tools" in found else found
    one_by_one = [listed] if isinstance(listed, dict) else listed
    if not isinstance(one_by_one, list) or not one_by_one:
        raise _wrong(f"{where} holds no tools: that is a JSON list of objects with name and parameters")
    return [_tool(one, f"{where}: tool {number}") for number, one in enumerate(one_by_one, 1)]


def tool_choice(text: str) -> ToolChoice:
    """`auto`, `none`, `required`, or the name of the tool that has to be called."""
    return NamedTool(text) if text not in ("auto", "none", "required") else text  # type: ignore[return-value]


def _tool(found: Any, where: str) -> Tool:
    if isinstance(found, dict) and isinstance(found.get("function"), dict):
        found = found["function"]
    elif isinstance(found, dict) and "input_schema" in found:  # Anthropic's form
        found = {**found, "parameters": found["input_schema"]}
    if not isinstance(found, dict):
        raise _wrong(f"{where} is no object")
    found = {name: value for name, value in found.items() if name not in _OTHERS}
    try:
        tool = msgspec.convert(found, Tool)
    except msgspec.ValidationError as error:
        raise _wrong(f"{where}: {error}") from None
    from ai_pal.protocol.schemas import objection, objection_to_names

    if wrong := objection_to_names(tool.parameters) or objection(tool.parameters):
        raise _wrong(f"{where}, {tool.name}: its parameters are no JSON Schema: {wrong}")
    return tool


def _json(text: str, what: str) -> tuple[Any, str]:
    """The JSON in a file, or in `text` itself, and how to call it."""
    literal = text.lstrip()[:1] in ("{", "[")
    where = f"the {what}" if literal else "standard input" if text == STDIN else text
    try:
        return msgspec.json.decode(text if literal else _read(text, what)), where
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise _wrong(f"{where} is no JSON: {error}") from None
    except RecursionError:
        raise _wrong(f"{where} is nested too deep to be read") from None


def _read(name: str, what: str) -> str:
    if name == STDIN and (sys.stdin is None or sys.stdin.isatty()):
        raise _wrong(f"- reads the {what} from standard input, and there is none")
    try:
        if name == STDIN:
            data = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with open(Path(paths.expanded(name)), "rb") as file:
                data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise _wrong(f"there is no {what} to read in {name!r}: {said}") from None
    if len(data) > MOST_BYTES:
        raise _wrong(f"{name} is larger than {MOST_BYTES // 1024**2} MiB, too much for a {what}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(f"{name} is not UTF-8 text (byte {error.start})") from None


def _wrong(text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(text)
