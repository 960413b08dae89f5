"""Grammars of calls and of answers, in both compilers."""

import json
import random
from typing import Any

import jsonschema
import pytest

from ai_pal.protocol.options import JsonSchema, Tool
from tests.compilers import COMPILERS, Matcher, walk
from workers.engines.llamacpp.grammars import HEAD, either_grammar, opening

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"enum": ["Rome", "Oslo"]}},
    "required": ["city"],
    "additionalProperties": False,
}
NAMED: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"enum": [1, 2]}},
    "required": ["name", "size"],
    "additionalProperties": False,
}
CALL = opening("weather") + '{"city": "Rome"}}'
ODD = opening('é"x') + '{"city": "Oslo"}}'
TOOLS = [Tool("weather", "", CITY), Tool('é"x', "", CITY)]


def allowed(matcher: Matcher, text: str) -> str:
    """As much of the text as the matcher allows."""
    for place, byte in enumerate(data := text.encode()):
        if not matcher.allowed()[byte // 8] >> byte % 8 & 1:
            return data[:place].decode()
        matcher.take(byte)
    return text


ANSWERS = [
    (CITY, '{"city": "Oslo"}'),
    (NAMED, '{"name": "weather", "size": 1}'),
    (NAMED, '{"name": "weath", "size": 2}'),
    ({"type": "object"}, '{"name": "weather", "arguments": {"city": "Rome"}, "x": 1}'),
    ({"type": "string"}, '"name"'),
]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(("schema", "answer"), ANSWERS)
def test_calls_and_an_answer_may_begin_alike(compiler: str, schema: dict[str, Any], answer: str) -> None:
    def may_say(text: str, *, several: bool = False, thought: str = "") -> bool:
        lark = either_grammar(JsonSchema(schema), TOOLS, several, thought)
        return allowed(COMPILERS[compiler](lark.removeprefix(HEAD)), text) == text

    assert may_say(answer)
    assert may_say(f"I think.</think>{answer}", thought="!")
    for call in (CALL, ODD):
        assert may_say(call)
        assert may_say(f"<think>I think.</think>{call}", thought="?")
        assert may_say(f"{call}\n{CALL}", several=True)
        assert not may_say(f"{call}\n{CALL}")
    assert not may_say("Hello")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_what_is_written_by_it_is_one_of_both(compiler: str) -> None:
    lark = either_grammar(JsonSchema(CITY), TOOLS, False, "").removeprefix(HEAD)
    kinds = set()
    for seed in range(40):
        said = json.loads(walk(COMPILERS[compiler](lark), random.Random(seed)))
        kinds.add("arguments" in said)
        jsonschema.validate(said.get("arguments", said), CITY)
    assert kinds == {True, False}
