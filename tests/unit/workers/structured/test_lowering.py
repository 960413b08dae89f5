"""Schemas in the words of every compiler."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.structured.formats import EQUAL, PATTERNS
from workers.structured.lowering import lowered

READERS: dict[str, Any] = {
    "date": date,
    "time": time,
    "date-time": datetime,
    "duration": timedelta,
    "partial-time": time,
    "uri": pydantic.AnyUrl,
    "decimal": Decimal,
    "ipvanyaddress": pydantic.IPvAnyAddress,
    "uuid4": pydantic.UUID4,
    "uuid7": pydantic.UUID7,
    "uuid1": UUID,
}


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_what_the_pattern_of_a_format_allows_can_be_read(name: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(re.compile(PATTERNS[name], re.ASCII), fullmatch=True))
    pydantic.TypeAdapter(READERS[name]).validate_python(text)


@given(st.text("-+.0123456789", max_size=6))
def test_a_pattern_is_replaced_by_one_of_the_same_texts(text: str) -> None:
    for pattern, other in EQUAL.items():
        assert (re.search(pattern, text) is None) == (re.search(other, text) is None)


def test_options_of_the_compiler_are_not_the_schemas_to_set() -> None:
    loose = {"x-guidance": {"lenient": True}, "items": {"x-guidance": {"coerce_one_of": True}}}
    assert lowered(loose) == {"items": {}}


def test_formats_that_are_annotations_are_left_out_and_others_stay() -> None:
    assert lowered({"type": "string", "format": "path"}) == {"type": "string"}
    assert lowered({"type": "string", "format": "email"}) == {"type": "string", "format": "email"}
    assert lowered({"const": {"format": "path"}}) == {"const": {"format": "path"}}
    both = lowered({"format": "uuid4", "pattern": "^a"})
    assert both["pattern"] == "^a"
    assert [list(one) for one in both["allOf"]] == [["pattern"]]


def test_a_property_is_bound_by_the_pattern_of_its_name_too() -> None:
    schema = {"properties": {"x_1": {"type": "string"}, "y": {}}, "patternProperties": {"^x_": {"enum": [1]}}}
    found = lowered(schema)
    assert found["properties"] == {"x_1": {"allOf": [{"type": "string"}, {"enum": [1]}]}, "y": {}}
    odd: dict[str, Any] = {"properties": {"a": {}}, "patternProperties": {"(?<a": {}}}
    assert lowered(odd) == odd
