"""Whole answers that are calls in JSON, and text that merely shows some."""

import json

import pytest

from ai_pal.protocol.options import GenerationOptions, JsonObject, NamedTool, Tool
from workers.engines.bare_calls import BareCalls, bare_calls

CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {}}, "required": ["city"]}
TOOLS = [Tool("weather", "", CITY), Tool("clock"), Tool("note", "", {"type": "object"})]
PARIS = '{"name": "weather", "arguments": {"city": "Paris"}}'
NOON = '{"name": "clock", "arguments": {}}'


def taken(text: str, step: int = 3, several: bool = True) -> tuple[list[tuple[str, str]], str]:
    """The calls and the text that an answer is taken for, however it comes in pieces."""
    found = []
    for size in (step, 1, len(text) or 1):
        calls = BareCalls(TOOLS, several=several)
        said = "".join(calls.push(text[at : at + size]) for at in range(0, len(text), size))
        made = calls.calls()
        found.append(([(call.name, call.arguments) for call in made], said + calls.rest()))
    assert found[0] == found[1] == found[2]
    return found[0]


@pytest.mark.parametrize(
    "text",
    [
        PARIS,
        f"\n {PARIS}\n",
        f"```json\n{PARIS}\n```",
        f"```\n{PARIS}\n```\n",
        f"```json\n{PARIS}",
        f"<tools>\n{PARIS}\n</tools>",
        f"[{PARIS}]",
        '{"arguments": {"city": "Paris"}, "name": "weather"}',
        '{"name": "weather", "parameters": {"city": "Paris"}}',
        json.dumps(json.loads(PARIS), indent=2),
    ],
)
def test_a_whole_answer_that_is_a_call_is_one(text: str) -> None:
    assert taken(text) == ([("weather", '{"city": "Paris"}')], "")


@pytest.mark.parametrize(
    "text",
    [
        f"{PARIS}\n{NOON}",
        f"[{PARIS}, {NOON}]",
        f"```json\n{PARIS}\n```\n\n```json\n{NOON}\n```",
        f"<tools>\n{PARIS}\n{NOON}\n</tools>",
    ],
)
def test_several_are_several_unless_only_one_is_wanted(text: str) -> None:
    assert [name for name, _ in taken(text)[0]] == ["weather", "clock"]
    assert taken(text, several=False) == ([], text)


@pytest.mark.parametrize(
    "text",
    [
        f"I would call this:\n```json\n{PARIS}\n```",
        f"```json\n{PARIS}\n```\nThat is how a call looks.",
        f"{PARIS} or so",
        '{"name": "weather", "arguments": {"city": "Par',
        '{"name": "dice", "arguments": {}}',
        '{"name": "Ada", "age": 36}',
        '{"name": "weather", "arguments": {"city": "Paris"}, "note": "x"}',
        '{"name": "weather", "arguments": {"town": "Paris"}}',
        '{"name": "weather", "arguments": {}}',
        '{"name": "weather", "arguments": "Paris"}',
        '{"name": "weather", "arguments": {"city": NaN}}',
        f"[{PARIS}, 1]",
        f"```python\n{PARIS}\n```",
        '{"city": "Paris"}',
        "[]",
        "```",
        "<b>no</b>",
        "",
        "Paris.",
        '{"name": "note", "arguments": ' + "[" * 5000,
    ],
)
def test_text_that_is_none_or_merely_shows_one_stays_text(text: str) -> None:
    assert taken(text, 7) == ([], text)


def test_arguments_of_a_tool_that_takes_anything_may_be_anything() -> None:
    assert taken('{"name": "note", "arguments": {"a": 1}}')[0] == [("note", '{"a": 1}')]


def test_text_is_held_back_only_while_it_may_be_a_call() -> None:
    calls = BareCalls(TOOLS, several=True)
    assert calls.push("The ") == "The "
    assert calls.push('{"name": "weather"') == '{"name": "weather"'
    other = BareCalls(TOOLS, several=True)
    assert other.push('```json\n{"na') == ""
    assert other.push('me": "Ada", ') == '```json\n{"name": "Ada", '


@pytest.mark.parametrize(
    "options",
    [
        GenerationOptions(),
        GenerationOptions(tools=TOOLS, tool_choice="none"),
        GenerationOptions(tools=TOOLS, tool_choice="required"),
        GenerationOptions(tools=TOOLS, tool_choice=NamedTool("clock")),
        GenerationOptions(tools=TOOLS, response_format=JsonObject()),
    ],
)
def test_other_answers_are_not_looked_at(options: GenerationOptions) -> None:
    assert bare_calls(options) is None
