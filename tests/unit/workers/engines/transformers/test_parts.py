"""Answers taken apart while they are written, however the text is cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.utils.chat_parsing import ResponseParser

from ai_pal.protocol.options import Tool
from workers.engines.bare_calls import BareCalls
from workers.engines.transformers.families import (
    FUNCTION_TAGS,
    HERMES,
    LLAMA,
    MISTRAL,
    MISTRAL_LIST,
    THINKING,
    Calls,
)
from workers.engines.transformers.parts import Parts, response_template

Told = list[tuple[str, str, str]]
TWO = '<tool_call>\n{"name": "f", "arguments": {"a": [1, "}"]}}\n</tool_call>\n'
TWO += '<tool_call>\n{"arguments": {"b": "\\"x"}, "name": "g"}\n</tool_call>'
CASES: dict[str, tuple[Calls | None, str, str, Told]] = {
    "thought and text": (
        HERMES,
        "",
        "<think>\nhm\n</think>\n\nHi <b>",
        [("reasoning", "", "hm"), ("text", "", "Hi <b>")],
    ),
    "opened by the template": (
        None,
        "<think>",
        "\nhm\n</think>\n\nHi",
        [("reasoning", "", "hm"), ("text", "", "Hi")],
    ),
    "a missing end": (None, "<think>", "\nhm\n and so on", [("reasoning", "", "hm\n and so on")]),
    "a thought that is none": (None, "", " a <thin", [("text", "", " a <thin")]),
    "two calls": (
        HERMES,
        "",
        TWO,
        [("tool_call", "f", '{"a": [1, "}"]}'), ("tool_call", "g", '{"b": "\\"x"}')],
    ),
    "text and a call": (
        HERMES,
        "",
        "So:\n\n" + TWO[:64],
        [("text", "", "So:\n\n"), ("tool_call", "f", '{"a": [1, "}"]}')],
    ),
    "a call cut off": (HERMES, "", '<tool_call>{"name": "f", "arguments": {"a', [("tool_call", "f", '{"a')]),
    "no call after all": (HERMES, "", "<tool_call>oops</tool_call>", [("text", "", "oops")]),
    "llama": (LLAMA, "", '{"name": "f", "parameters": {"a": 1}}', [("tool_call", "f", '{"a": 1}')]),
    "llama in two": (
        LLAMA,
        "",
        '<|python_tag|>{"name": "f", "parameters": {}}; {"name": "g", "parameters": {"x": null}}',
        [("tool_call", "f", "{}"), ("tool_call", "g", '{"x": null}')],
    ),
    "llama in words": (LLAMA, "", 'Use {"name": 3}.', [("text", "", 'Use {"name": 3}.')]),
    "mistral": (
        MISTRAL,
        "",
        '[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]g[ARGS]{}',
        [("tool_call", "f", '{"a": 1}'), ("tool_call", "g", "{}")],
    ),
    "mistral's list": (
        MISTRAL_LIST,
        "",
        '[TOOL_CALLS] [{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": "{\\"x\\": 2}"}]',
        [("tool_call", "f", '{"a": 1}'), ("tool_call", "g", '{"x": 2}')],
    ),
    "a call in a fence": (
        HERMES,
        "",
        '```json\n{"name": "f", "arguments": {"a": 1}}\n```',
        [("text", "", ""), ("tool_call", "f", '{"a": 1}')],
    ),
    "a thought, and a call in a fence": (
        HERMES,
        "",
        '<think>\nhm\n</think>\n\n```json\n{"name": "f", "arguments": {"a": 1}}\n```',
        [("reasoning", "", "hm"), ("text", "", ""), ("tool_call", "f", '{"a": 1}')],
    ),
    "a fence after a thought": (
        HERMES,
        "",
        '<think>\nhm\n</think>\n\n```json\n{"name": "f"}\n```\nlike that',
        [("reasoning", "", "hm"), ("text", "", '```json\n{"name": "f"}\n```\nlike that')],
    ),
    "a call in a fence, and a thought behind it": (
        HERMES,
        "",
        '```json\n{"name": "f", "arguments": {"a": 1}}\n```<think>hm</think>',
        [("text", "", '```json\n{"name": "f", "arguments": {"a": 1}}\n```'), ("reasoning", "", "hm")],
    ),
    "the beginning of a fence, and a call": (
        HERMES,
        "",
        '```json\n{"na' + TWO[:64],
        [("text", "", '```json\n{"na'), ("tool_call", "f", '{"a": [1, "}"]}')],
    ),
    "function tags": (
        FUNCTION_TAGS,
        "",
        "ok\n<tool_call>\n<function=f>\n<parameter=a>\n3\n</parameter>\n</function>\n</tool_call>",
        [("text", "", "ok"), ("tool_call", "f", '{"a": 3}')],
    ),
}
PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": PARAMETERS}}


def told(calls: Calls | None, prefix: str, pieces: list[str]) -> tuple[Told, Parts]:
    """All parts in their order: kind, name, text."""
    template: dict[str, Any] = response_template(THINKING[0], calls)
    bare = BareCalls([Tool("f", "", PARAMETERS)], several=True) if calls else None
    parts = Parts(ResponseParser(template, prefix=prefix, tools=[TOOL]), calls, bare)
    grown: dict[int, list[str]] = {}
    seen: Told = []
    for part, text in [one for piece in pieces for one in parts.feed(piece)] + parts.end():
        assert part.place <= len(seen), "a place was left out"
        if part.place == len(seen):
            seen.append((part.kind, part.name, ""))
            grown[part.place] = []
            assert bool(part.call) == (part.kind == "tool_call")
        grown[part.place].append(text)
    return [(kind, name, "".join(grown[place])) for place, (kind, name, _) in enumerate(seen)], parts


@pytest.mark.parametrize("case", CASES)
@given(cuts=st.lists(st.integers(1, 6), min_size=1, max_size=40))
def test_the_parts_do_not_depend_on_how_the_text_comes(case: str, cuts: list[int]) -> None:
    calls, prefix, text, expected = CASES[case]
    pieces: list[str] = []
    at = 0
    while at < len(text):
        length = cuts[len(pieces) % len(cuts)]
        pieces.append(text[at : at + length])
        at += length
    seen, parts = told(calls, prefix, pieces)
    assert seen == expected
    assert parts.calls == sum(kind == "tool_call" for kind, _, _ in expected)


def test_arguments_come_while_they_are_written() -> None:
    parts = Parts(ResponseParser(response_template(None, HERMES), prefix="", tools=[]), HERMES)
    assert not parts.feed('<tool_call>\n{"name": "f"')[0].text
    assert [text for _, text in parts.feed(', "arguments": {"a": ')] == ['{"a": ']
    assert [text for _, text in parts.feed("17")] == ["17"]


def test_a_parser_that_gives_up_shows_what_was_written() -> None:
    template = response_template(None, None)
    template["fields"]["tool_calls"] = {"open": "<c>", "close": "</c>", "content": "json", "repeats": True}
    parts = Parts(ResponseParser(template, prefix="", tools=[]), None)
    pieces = [*parts.feed("a <c>no js"), *parts.feed("on</c> b"), *parts.end()]
    assert "".join(piece.text for piece in pieces) == "a no json</c> b"
