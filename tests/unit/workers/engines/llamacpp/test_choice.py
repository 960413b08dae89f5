"""Whether an answer is calls or of a form, while it comes in pieces."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.protocol.options import GenerationOptions, JsonSchema, Tool
from workers.engines.llamacpp.choice import Choice, Decided
from workers.engines.llamacpp.grammars import opening
from workers.engines.llamacpp.request import watched_calls, watched_form

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [Tool("weather", "", CITY), Tool("weather_report", "", CITY)]
NAMED: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
    "required": ["name", "size"],
}
ANY: dict[str, Any] = {"type": "object"}
CALL = opening("weather") + '{"city": "Rome"}}'
OTHER = opening("weather_report") + '{"city": "Oslo"}}'
ENDS = opening("weather") + '{"city": "Rome"}, "x": 1}'
"""An answer that begins as a call does."""


def decided(text: str, schema: dict[str, Any], cuts: list[int], *, cut: bool = False) -> tuple[Decided, str]:
    """What became of a text that comes in pieces, and what of it had come by then."""
    options = GenerationOptions(
        tools=TOOLS, response_format=JsonSchema(schema), parallel_tool_calls=CALL + "\n" in text or None
    )
    choice = Choice(watched_calls(options), watched_form(options))
    places = sorted({0, len(text), *(place % (len(text) + 1) for place in cuts)})
    for start, end in itertools.pairwise(places):
        if found := choice.push(text[start:end]):
            return found, text[:end]
    return choice.end(cut=cut), text


@pytest.mark.parametrize(
    ("text", "schema", "are_calls"),
    [
        (CALL, CITY, True),
        (OTHER, CITY, True),
        (CALL, ANY, True),
        (CALL, NAMED, True),
        (f"{CALL}\n{OTHER}", ANY, True),
        ('{"city": "Rome"}', CITY, False),
        ('{"name": "weather", "size": 3}', NAMED, False),
        ('{"name": "weather"}', ANY, False),
        (ENDS, ANY, False),
        (opening("dice") + "{}}", ANY, False),
        ('"weather"', {"type": "string"}, False),
    ],
)
@given(cuts=st.lists(st.integers(0, 1000), max_size=20))
def test_however_it_is_cut_into_pieces(
    text: str, schema: dict[str, Any], are_calls: bool, cuts: list[int]
) -> None:
    found, come = decided(text, schema, cuts)
    assert found.are_calls == are_calls
    assert found.text == come, "nothing is lost"
    assert found.watch is not None
    assert found.watch.take(text[len(come) :])
    assert found.watch.complete


def test_it_is_told_as_soon_as_it_can_only_be_one() -> None:
    letters = list(range(1000))
    assert decided('{"city": "Rome"}', CITY, letters)[1] == '{"c'
    assert decided(CALL, CITY, letters)[1] == '{"n'
    assert decided(CALL, NAMED, letters)[1] == '{"name": "weather", "a'
    assert decided(ENDS, ANY, letters)[1] == ENDS.partition(', "x"')[0] + ","


def test_what_is_neither_is_held_to_nothing() -> None:
    assert decided("Hello", CITY, [])[0] == Decided(False, "Hello", None)


@pytest.mark.parametrize(
    ("text", "are_calls"), [('{"na', False), (opening("weather"), True), (CALL[:-4], True), ("", False)]
)
def test_where_it_is_cut_off_it_is_a_call_with_the_whole_beginning_of_one(text: str, are_calls: bool) -> None:
    found, _ = decided(text, ANY, [], cut=True)
    assert (found.are_calls, found.text) == (are_calls, text)
