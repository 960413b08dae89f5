"""The verdict on schemas."""

import json
from typing import Any

import pytest

from ai_pal.errors import AiPalError
from workers.structured import verdict


def test_what_is_compiled_is_tighter_and_written_without_choice() -> None:
    found = json.loads(verdict.expressed({"properties": {"a": {"type": "string"}}}))
    assert found.pop("x-guidance") == verdict.COMPACT
    assert found == {"properties": {"a": {"type": "string"}}, "additionalProperties": False}


def test_a_schema_that_is_tightened_too_far_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "tightened", lambda schema: {"enum": []})
    assert json.loads(verdict.expressed({"type": "boolean"}))["type"] == "boolean"


@pytest.mark.parametrize("schema", [{"const": float("nan")}, {"const": {1}}])
def test_what_is_no_json_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(AiPalError, match="no JSON"):
        verdict.expressed(schema)


def test_the_place_is_told_with_what_leads_to_it() -> None:
    with pytest.raises(AiPalError, match=r"at tool x, #/items/not: "):
        verdict.expressed({"items": {"not": {}}}, "tool x, ")
