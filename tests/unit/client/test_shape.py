"""What `schema=` takes, what is asked for it, and what object comes of the answer."""

import dataclasses
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest

from ai_pal.client.answer import Answer
from ai_pal.client.shape import Shape
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions, JsonObject
from ai_pal.protocol.schemas import objection

TEXT = '{"name": "Loire", "length": 1006}'


class Struct(msgspec.Struct):
    name: str
    length: int


@dataclasses.dataclass
class Data:
    name: str
    length: int


class Typed(TypedDict):
    name: str
    length: int


class Model(pydantic.BaseModel):
    name: str
    length: int


DICT = {"type": "object", "properties": {"name": {"type": "string"}}}
ADAPTER = pydantic.TypeAdapter(Model)


def answered(text: str, finish_reason: Any = "stop", tier: int = 1) -> Answer:
    answer = Answer()
    for event in (
        wire.Started(1, tier, "openai" if tier == 3 else "local", "m"),
        wire.Delta(1, 0, 1, text),
        wire.Done(1, finish_reason),
    ):
        answer.take(event)
    return answer


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (DICT, {"name": "Loire", "length": 1006}),
        (Typed, {"name": "Loire", "length": 1006}),
        (Struct, Struct("Loire", 1006)),
        (Data, Data("Loire", 1006)),
        (Model, Model(name="Loire", length=1006)),
        (ADAPTER, Model(name="Loire", length=1006)),
    ],
)
def test_the_answer_becomes_the_object(schema: Any, value: Any) -> None:
    shape = Shape(schema)
    assert shape.fill(answered(TEXT)).value == value
    assert shape.form.schema["type"] == "object"
    assert "name" in shape.form.schema["properties"]
    assert objection(shape.form.schema) == ""
    how = shape.applied({"max_tokens": 5})
    assert how == {"max_tokens": 5, "response_format": shape.form}


def test_whatever_msgspec_knows_is_a_shape() -> None:
    assert Shape(list[int]).fill(answered("[1, 2]")).value == [1, 2]
    assert Shape(list[Struct]).form.schema["items"] == {"$ref": "#/$defs/Struct"}
    assert Shape(int | None).fill(answered("null")).value is None


class Tree(msgspec.Struct):
    name: str
    children: "list[Tree]" = []


def test_a_shape_that_holds_itself_keeps_its_definition() -> None:
    schema = Shape(Tree).form.schema
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    assert schema["$defs"]["Tree"]["type"] == "object"


@pytest.mark.parametrize("schema", [Struct, Model, Data, Typed])
def test_an_answer_of_another_shape_is_an_error_that_holds_the_text(schema: Any) -> None:
    with pytest.raises(AiPalError) as caught:
        Shape(schema).fill(answered('{"name": 7}'))
    assert (caught.value.code, caught.value.failure.detail) == (Code.ENGINE_ERROR, '{"name": 7}')
    with pytest.raises(AiPalError) as caught:
        Shape(schema).fill(answered('{"name": "Lo', "length"))
    assert (caught.value.code, caught.value.failure.hint) == (Code.LENGTH, "raise max_tokens")
    went_round = answered('{"name": "Lo', "length")
    went_round.take(wire.Notice(1, "repeats", "over and over"))
    with pytest.raises(AiPalError) as caught:
        Shape(schema).fill(went_round)
    assert (caught.value.code, caught.value.failure.hint) == (Code.LENGTH, "ask again, or another model")
    with pytest.raises(AiPalError, match="openai:m") as caught:
        Shape(schema).fill(answered("Sure! {}", tier=3))
    assert caught.value.code == Code.PROVIDER_ERROR


def test_an_answer_that_calls_tools_has_no_value_yet() -> None:
    answer = Answer()
    answer.take(wire.Delta(1, 0, 1, "{}", "tool_call", 0, "c1", "look"))
    answer.take(wire.Done(1, "tool_calls"))
    assert Shape(Struct).fill(answer).value is None


@pytest.mark.parametrize("wrong", ["json", 7, [DICT], None, b"{}"])
def test_what_is_no_schema_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match="schema takes"):
        Shape(wrong)


@pytest.mark.parametrize(
    "how", [{"response_format": JsonObject()}, {"options": GenerationOptions(response_format=JsonObject())}]
)
def test_a_shape_beside_another_form_is_a_type_error(how: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="response_format"):
        Shape(DICT).applied(how)


def test_providers_get_a_name_that_they_take() -> None:
    assert [Shape(one).form.name for one in (Struct, DICT, list[int], ADAPTER)] == [
        "Struct",
        "answer",
        "list",
        "answer",
    ]
