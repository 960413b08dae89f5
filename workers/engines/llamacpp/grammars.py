"""Grammars that hold an answer of llama.cpp to a JSON schema, or to calls of tools, in llguidance's Lark.

llama.cpp's own converter weakens what it does not know, and answers freely where a grammar of llguidance does
not compile: so what cannot be expressed is refused before, by `workers.structured`.
"""

import json
import re
from collections.abc import Sequence

from ai_pal.errors import Code, fail
from ai_pal.protocol.options import JsonObject, JsonSchema, NamedTool, Tool, ToolChoice
from workers.engines.thought_marks import MARKS, Marks
from workers.structured.rules import arguments_rule, call_words, json_rule, schema_of

HEAD = "%llguidance {}\n"
ANALYSIS = 'analysis: "<|channel|>analysis<|message|>" reasons "<|start|>assistant"'
REASONS = r"reasons[lazy]: /(?s:.*)<\|end\|>/"
FINAL = '"<|channel|>final<|message|>"'
"""The thought and the answer of a model that writes in channels; the prompt has begun its first message."""


def schema_grammar(wanted: JsonObject | JsonSchema, thought: str, marks: Marks | None = None) -> str:
    """`thought` says what comes first: "" nothing, "?" maybe a thought between its `marks`, "!" one that has
    begun already, "channels" maybe one in a channel of its own.

    Raises `AiPalError` (`unsupported`) with the path of what cannot be expressed."""
    return _lark("answer", thought, marks, f"answer: {json_rule(schema_of(wanted))}")


def calls_grammar(
    tools: Sequence[Tool], choice: ToolChoice, several: bool, thought: str, marks: Marks | None = None
) -> str:
    """Calls of the tools that the choice allows, one per line, as `opening` begins them. Raises as
    `schema_grammar`, and `bad_request` for a tool that is not there."""
    return _lark("calls", thought, marks, *_calls(tools, choice, several))


def either_grammar(
    wanted: JsonObject | JsonSchema,
    tools: Sequence[Tool],
    several: bool,
    thought: str,
    marks: Marks | None = None,
) -> str:
    """Calls of the tools as in `calls_grammar`, or an answer as in `schema_grammar`. Raises as these."""
    answer = f"answer: {json_rule(schema_of(wanted))}"
    return _lark("either", thought, marks, "either: calls | answer", answer, *_calls(tools, "auto", several))


def _calls(tools: Sequence[Tool], choice: ToolChoice, several: bool) -> list[str]:
    rules: list[str] = []
    names: list[str] = []
    for tool in tools:
        if isinstance(choice, NamedTool) and tool.name != choice.name:
            continue
        number = len(names)
        names.append(f"call{number}")
        rules.append(f'call{number}: {call_words(tool.name, "arguments")} arguments{number} "}}"')
        rules.append(f"arguments{number}: {arguments_rule(tool)}")
    if not names:
        name = choice.name if isinstance(choice, NamedTool) else ""
        fail(Code.BAD_REQUEST, f"there is no tool {name!r} to call", "name one of the request's tools")
    rules.append("call: " + " | ".join(names))
    calls = 'call ("\\n" call)*' if several else "call"
    return [f"calls: {calls}", *rules]


def opening(name: str) -> str:
    """What a call begins with; its arguments and a brace follow."""
    return f'{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": '


def _lark(start: str, thought: str, marks: Marks | None, *rules: str) -> str:
    """The grammar; a thought that is not begun yet begins with its mark. Behind it two blank lines at most:
    where more are free, a model may spend its answer on them."""
    opening, closing = marks or MARKS[0]
    end = re.escape(closing).replace("/", r"\/")
    thinking = rf"thought[lazy]: /(?s:.*){end}\n{{0,2}}/"
    lines = [f"start: {start}"]
    if thought == "!":
        lines = [f"start: thought {start}", thinking]
    elif thought == "?":
        lines = [f"start: (open thought)? {start}", f"open: {json.dumps(opening)}", thinking]
    elif thought == "channels":
        lines = [f"start: analysis? {FINAL} {start}", ANALYSIS, REASONS]
    return HEAD + "\n".join([*lines, *rules])
