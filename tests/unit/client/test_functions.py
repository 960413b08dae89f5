"""Plain functions as tools: what a model is told of them, and what they are called with."""

import dataclasses
import datetime as dt
import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from ai_pal.client.functions import Function, content_of
from ai_pal.client.tools import choice_of, tool_of, tools_of
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.content import Image, Text
from ai_pal.protocol.options import GenerationOptions, NamedTool, Tool
from ai_pal.protocol.tool_rules import objection_to_tools


class Unit(enum.Enum):
    KM = "km"
    MILES = "miles"


@dataclasses.dataclass
class Place:
    city: str
    country: str = "France"


def distance(
    start: Place,
    end: Annotated[str, "Where it ends."],
    unit: Unit = Unit.KM,
    /,
    rounds: Annotated[int, msgspec.Meta(ge=1)] = 1,
    *,
    day: dt.date | None = None,
    mode: Literal["car", "foot"] = "car",
) -> float:
    """How far it is.

    Along roads only.

    Args:
        start: Where it begins,
            in words.
        rounds (int): How often.

    Returns:
        A number.
    """
    return (start, end, unit, rounds, day, mode)  # type: ignore[return-value]


def test_a_function_is_described_by_its_signature_and_its_words() -> None:
    tool = Function(distance).tool
    assert (tool.name, tool.description) == ("distance", "How far it is.\n\nAlong roads only.")
    schema = tool.parameters
    assert (schema["type"], schema["required"], schema["additionalProperties"]) == (
        "object",
        ["start", "end"],
        False,
    )
    properties = schema["properties"]
    assert properties["start"]["description"] == "Where it begins, in words."
    assert properties["end"] == {"type": "string", "description": "Where it ends."}
    assert (properties["rounds"]["minimum"], properties["rounds"]["description"]) == (1, "How often.")
    assert properties["mode"] == {"enum": ["car", "foot"]}
    assert schema["$defs"]["Place"]["required"] == ["city"]
    assert objection_to_tools(GenerationOptions(tools=[tool])) is None  # what the supervisor would say


def test_arguments_become_what_the_signature_says_and_the_rest_is_the_functions_own() -> None:
    function = Function(distance)
    given = '{"start": {"city": "Lyon"}, "end": "Nice", "unit": "miles", "day": "2026-11-29"}'
    there = (Place("Lyon"), "Nice", Unit.MILES, 1, dt.date(2026, 11, 29), "car")
    assert function.bound(given)() == there


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        ("{}", "missing required field `start`"),
        ('{"start": {"city": "a"}, "end": 7}', r"Expected `str`, got `int` - at `\$.end`"),
        ('{"start": {"city": "a"}, "end": "b", "rounds": 0}', "`int` >= 1"),
        ('{"start": {"city": "a"}, "end": "b", "speed": 3}', "unknown field `speed`"),
    ],
)
def test_arguments_that_are_not_as_they_should_be_are_refused(arguments: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Function(distance).bound(arguments)


def test_no_arguments_are_an_empty_object_and_no_types_take_anything() -> None:
    def now() -> str:
        return "noon"

    def any_of(value, other=None):  # type: ignore[no-untyped-def]
        """:param value: Whatever.

        :returns: it
        """
        return value, other

    assert Function(now).bound("")() == "noon"
    assert Function(any_of).bound('{"value": [1]}')() == ([1], None)
    assert Function(any_of).tool.parameters["properties"]["value"] == {"description": "Whatever."}


def test_methods_and_later_annotations_are_taken() -> None:
    class House:
        def rooms(self, floor: "int") -> int:
            """Count."""
            return floor * 2

    function = Function(House().rooms)
    assert (function.name, function.bound('{"floor": 2}')()) == ("rooms", 4)


def test_what_cannot_be_described_is_a_type_error() -> None:
    def stars(*values: int) -> None: ...
    def words(**values: int) -> None: ...
    def later(value: "Nowhere") -> None: ...  # type: ignore[name-defined] # noqa: F821
    def odd(value: Any, other: set[Any] | list[int]) -> None: ...

    for wrong in (stars, words, later, odd, lambda value: value):
        with pytest.raises(TypeError):
            Function(wrong)


def test_tools_come_in_every_form() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    wanted = Tool("look", "See.", schema)
    flat = {"name": "look", "description": "See.", "parameters": schema}

    def look(x: int) -> None:
        """See."""

    given: list[Any] = [wanted, flat, {"type": "function", **flat}, {"type": "function", "function": flat}]
    assert tools_of(given) == [wanted] * 4
    assert tool_of(look).name == "look"
    assert tool_of({"name": "look"}) == Tool("look")
    assert [choice_of(one) for one in ("auto", "none", "required", "look", NamedTool("x"))] == [
        "auto", "none", "required", NamedTool("look"), NamedTool("x"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "web_search"},
        {"type": "web_search", "name": "x"},
        {"description": "no name"},
        {"name": "x", "parametres": {}},
        {"name": "x", "strict": True},
        {"type": "function", "function": {"name": "x", "parameters": []}},
    ],
)
def test_a_dict_that_is_no_tool_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(AiPalError) as caught:
        tools_of([wrong])
    assert caught.value.code == Code.BAD_REQUEST


@pytest.mark.parametrize("wrong", ["look", {"name": "look"}, [7], ["look"]])
def test_what_is_no_tool_at_all_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match="tool"):
        tools_of(wrong)


def test_results_are_texts_pictures_or_json() -> None:
    picture = Image("image/png", b"x")
    assert content_of("as it is") == "as it is"
    assert content_of(picture) == [picture]
    assert content_of([Text("a"), picture]) == [Text("a"), picture]
    assert content_of({"a": [1, None]}) == '{"a":[1,null]}'
    assert content_of(Place("Lyon")) == '{"city":"Lyon","country":"France"}'
    assert content_of(None) == "null"
    assert str(content_of({"odd": object})).startswith('{"odd":"<class')
