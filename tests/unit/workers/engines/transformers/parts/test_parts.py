"""Answers taken apart while they are written, however the text is cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.utils.chat_parsing import ResponseParser

from ai_pal.protocol.options import Tool
from workers.engines.bare_calls import BareCalls
from workers.engines.transformers.parts.call_bodies import Objects
from workers.engines.transformers.parts.call_forms import (
    APERTUS,
    COHERE,
    DEEPSEEK,
    DSML,
    FUNCTION_TAGS,
    GEMMA,
    GLM,
    HERMES,
    HUNYUAN,
    KIMI,
    LFM,
    LLAMA,
    MINIMAX,
    MISTRAL,
    MISTRAL_LIST,
    OLMO,
    PHI,
    PLAIN,
    Calls,
)
from workers.engines.transformers.parts.families import Thinking
from workers.engines.transformers.parts.parts import Parts, response_template

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
    "in a block": (
        MINIMAX,
        "",
        (
            'ok<minimax:tool_call>\n<invoke name="f">\n<parameter name="a">3</parameter>\n</invoke>\n'
            '<invoke name="f">\n</invoke>\n</minimax:tool_call>'
        ),
        [("text", "", "ok"), ("tool_call", "f", '{"a": 3}'), ("tool_call", "f", "{}")],
    ),
    "in DSML": (
        DSML,
        "",
        (
            '<\uff5cDSML\uff5cfunction_calls>\n<\uff5cDSML\uff5cinvoke name="f">\n'
            '<\uff5cDSML\uff5cparameter name="a" string="false">3</\uff5cDSML\uff5cparameter>\n'
            "</\uff5cDSML\uff5cinvoke>\n</\uff5cDSML\uff5cfunction_calls>"
        ),
        [("tool_call", "f", '{"a": 3}')],
    ),
    "keys and values": (
        GLM,
        "",
        "<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>3</arg_value>\n</tool_call>\n<tool_call>g\n</tool_call>",
        [("tool_call", "f", '{"a": 3}'), ("tool_call", "g", "{}")],
    ),
    "gemma": (
        GEMMA,
        "",
        '<|tool_call>call:f{a:3,b:<|"|>x, {y}<|"|>}<tool_call|>',
        [("tool_call", "f", '{"a": 3, "b": "x, {y}"}')],
    ),
    "a section of calls": (
        KIMI,
        "",
        (
            '<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{"a": 1}'
            "<|tool_call_end|><|tool_call_begin|>functions.g:1<|tool_call_argument_begin|>{}<|tool_call_end|>"
            "<|tool_calls_section_end|>"
        ),
        [("tool_call", "f", '{"a": 1}'), ("tool_call", "g", "{}")],
    ),
    "deepseek": (
        DEEPSEEK,
        "",
        (
            "<\uff5ctool▁calls▁begin\uff5c><\uff5ctool▁call▁begin\uff5c>function<\uff5ctool▁sep\uff5c>f\n```json\n"
            '{"a": 1}\n```<\uff5ctool▁call▁end\uff5c>\n<\uff5ctool▁call▁begin\uff5c>g<\uff5ctool▁sep\uff5c>{}'
            "<\uff5ctool▁call▁end\uff5c><\uff5ctool▁calls▁end\uff5c>"
        ),
        [("tool_call", "f", '{"a": 1}'), ("tool_call", "g", "{}")],
    ),
    "fenced": (
        HUNYUAN,
        "",
        '<tool_calls>\n<tool_call>f\n```json\n{"a": 1}\n```\n</tool_call>\n</tool_calls>',
        [("tool_call", "f", '{"a": 1}')],
    ),
    "an action": (
        COHERE,
        "",
        '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "f", "parameters": {"a": 1}}]<|END_ACTION|>',
        [("tool_call", "f", '{"a": 1}')],
    ),
    "phi": (
        PHI,
        "",
        '<|tool_call|>[{"name": "f", "arguments": {"a": 1}}]<|/tool_call|>',
        [("tool_call", "f", '{"a": 1}')],
    ),
    "python": (
        LFM,
        "",
        "<|tool_call_start|>[f(a=1, b=[true, None], c={'d': \"e\"}), g()]<|tool_call_end|>",
        [("tool_call", "f", '{"a": 1, "b": [true, null], "c": {"d": "e"}}'), ("tool_call", "g", "{}")],
    ),
    "python on lines": (
        OLMO,
        "",
        "So:<function_calls>f(a=-1)\ng(b='x')</function_calls>",
        [("text", "", "So:"), ("tool_call", "f", '{"a": -1}'), ("tool_call", "g", '{"b": "x"}')],
    ),
    "no python": (OLMO, "", "<function_calls>f(open('x'))</function_calls>", [("text", "", "f(open('x'))")]),
    "a key": (
        APERTUS,
        "",
        '<|tools_prefix|>[{"f": {"a": 1}}, {"g": {}}]<|tools_suffix|>',
        [("tool_call", "f", '{"a": 1}'), ("tool_call", "g", "{}")],
    ),
    "plain": (
        PLAIN,
        "",
        '<think>hm</think>\n{"name": "f", "arguments": {"a": 1}}\n{"name": "g", "arguments": {}}',
        [("reasoning", "", "hm"), ("tool_call", "f", '{"a": 1}'), ("tool_call", "g", "{}")],
    ),
}
PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": PARAMETERS}}


def told(calls: Calls | None, prefix: str, pieces: list[str]) -> tuple[Told, Parts]:
    """All parts in their order: kind, name, text."""
    template: dict[str, Any] = response_template(Thinking("<think>", "</think>"), calls)
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


def test_a_name_that_goes_too_deep_for_python_is_a_text() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    assert Objects().feed('{"name": ' + deep + "}")[0].name == deep
