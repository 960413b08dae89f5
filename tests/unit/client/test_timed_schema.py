"""Times in the schemas of msgspec's types."""

import datetime as dt
from typing import Annotated, Any

import msgspec
import pydantic
import pytest

from ai_pal.client.shape import Shape
from ai_pal.client.timed_schema import NAIVE, json_schema

ZONED = {"type": "string", "format": "date-time"}
NOTHING = {"type": "null"}


class Meeting(msgspec.Struct):
    begins: dt.datetime
    ends: "Meeting | dt.datetime | None" = None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (dt.datetime, ZONED),
        (Annotated[dt.datetime, msgspec.Meta(tz=True)], ZONED),
        (Annotated[dt.datetime, msgspec.Meta(tz=False)], {"type": "string", "pattern": NAIVE}),
        (dt.time, {"type": "string", "format": "time"}),
        (list[dt.datetime], {"type": "array", "items": ZONED}),
        (dict[str, dt.datetime], {"type": "object", "additionalProperties": ZONED}),
        (dt.datetime | None, {"anyOf": [ZONED, NOTHING]}),
        (list[dt.datetime] | None, {"anyOf": [{"type": "array", "items": ZONED}, NOTHING]}),
        (str, {"type": "string"}),
    ],
    ids=str,
)
def test_a_time_is_written_so_that_it_can_be_read(kind: Any, expected: dict[str, Any]) -> None:
    assert json_schema(kind) == expected


def test_a_struct_that_holds_itself_is_filled_too() -> None:
    fields = json_schema(Meeting)["$defs"]["Meeting"]["properties"]
    assert fields["begins"] == ZONED
    assert ZONED in fields["ends"]["anyOf"]


class Unknown:
    """Of nobody."""


class City(pydantic.BaseModel):
    name: str


def test_collections_of_models_are_pydantics() -> None:
    shape = Shape(list[City])
    assert shape.form.schema["items"] == {"$ref": "#/$defs/City"}
    assert shape._read('[{"name": "Rome"}]') == [City(name="Rome")]
    with pytest.raises(TypeError, match="Unknown"):
        Shape(list[Unknown])
