"""One table of schemas, both engines that hold answers to them: accepted by both, or refused with the same
words and the same path of what cannot be expressed."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ai_pal.client.shape import Shape
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from ai_pal.protocol.worker import Generate, GenerationDone, GenerationFailed, LoadModel, Ready
from tests.compilers import BuiltIn
from tests.odd_models import Aliased, Circle, Inner, Open, Outer, Point, Tree
from tests.worker_driver import WorkerDriver
from workers.structured.rules import json_rule

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(900)]
KEYS = count(1)
ASKED = [Message("system", ""), Message("user", "Make up an example.")]
LEAF: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

ACCEPTED: dict[str, dict[str, Any]] = {
    "anything": {},
    "unbounded integer": {"type": "integer"},
    "open object": LEAF,
    "an object that asks for more than it names": {"properties": {"a": {}}, "required": ["a", "b"]},
    "a union beside properties": {
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
        "anyOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}],
    },
    "a tree": {"properties": {"more": {"type": "array", "items": {"$ref": "#"}, "maxItems": 2}}},
    "what is tagged": {
        "oneOf": [
            {"type": "object", "properties": {"kind": {"const": kind}}, "required": ["kind"]}
            for kind in ("cat", "dog")
        ]
    },
    "a reference with more to say": {
        "$ref": "#/$defs/leaf",
        "required": ["also"],
        "$defs": {"leaf": LEAF},
    },
    "several at once": {"allOf": [LEAF, {"properties": {"b": {"type": "string"}}, "required": ["b"]}]},
    "names by pattern": {
        "properties": {"x_1": {"type": "string"}},
        "patternProperties": {"^x_": {"maxLength": 3}},
    },
    "values of another type": {"type": "integer", "enum": [-1.5, 3]},
    "an address": {"type": "string", "format": "uri", "maxLength": 40},
    "an annotation": {"type": "string", "format": "path"},
    "multiples": {"type": "number", "multipleOf": 0.25, "minimum": -1, "maximum": 1},
    "draft 7": {"$schema": "http://json-schema.org/draft-07/schema#", **LEAF},
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "not": ({"not": {"type": "string"}}, "/not"),
    "uniqueItems": ({"type": "array", "uniqueItems": True}, "/uniqueItems"),
    "contains": ({"type": "array", "contains": {"type": "string"}}, "/contains"),
    "if": ({"if": {"type": "string"}, "then": {"minLength": 2}}, "/if"),
    "a pattern that looks ahead": ({"type": "string", "pattern": "(?=a)b"}, "/pattern"),
    "a pattern that looks back": ({"type": "string", "pattern": r"(a)\1"}, "/pattern"),
    "an unknown format": ({"type": "string", "format": "datetime"}, "/format"),
    "dependentRequired": ({"dependentRequired": {"a": ["b"]}}, "/dependentRequired"),
    "propertyNames": ({"propertyNames": {"pattern": "^a"}}, "/propertyNames"),
    "minProperties": ({"properties": {"a": {}, "b": {}}, "minProperties": 1}, "/minProperties"),
    "unevaluatedProperties": ({"unevaluatedProperties": False}, "/unevaluatedProperties"),
    "branches that overlap": ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "/oneOf"),
    "elsewhere": ({"$ref": "https://example.com/a"}, "/$ref"),
    "in a definition": ({"$ref": "#/$defs/odd"}, "#/$defs/odd/not"),
    "deep within": ({"anyOf": [{"type": "null"}, {"items": {"a": {}, "not": {}}}]}, "/anyOf/1/items/not"),
}


@pytest.fixture(scope="module")
def engines(starter_model: Path, few_safetensors: Path) -> Iterator[dict[str, WorkerDriver]]:
    models = {"llamacpp": starter_model, "transformers": few_safetensors}
    with ExitStack() as stack:
        drivers = {}
        for engine, model in models.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            drivers[engine] = stack.enter_context(WorkerDriver(folder, engine))
            assert isinstance(drivers[engine].load(LoadModel("m", engine, str(model), context=512)), Ready)
        yield drivers


def ends(engines: dict[str, WorkerDriver], schema: dict[str, Any]) -> dict[str, Any]:
    options = GenerationOptions(temperature=1.0, max_tokens=6, response_format=JsonSchema(schema))
    return {name: driver.do(Generate(next(KEYS), ASKED, options)).end for name, driver in engines.items()}


@pytest.mark.parametrize("name", ACCEPTED)
def test_both_hold_answers_to_it(name: str, engines: dict[str, WorkerDriver]) -> None:
    assert BuiltIn.complaint(f"start: {json_rule(ACCEPTED[name])}") == ""
    for end in ends(engines, ACCEPTED[name]).values():
        assert isinstance(end, GenerationDone), end


@pytest.mark.parametrize("name", REFUSED)
def test_both_refuse_it_with_the_same_path(name: str, engines: dict[str, WorkerDriver]) -> None:
    part, path = REFUSED[name]
    schema = {"type": "object", "properties": {"a": part}, "$defs": {"odd": {"not": {}}}}
    said = {}
    for engine, end in ends(engines, schema).items():
        assert isinstance(end, GenerationFailed), end
        assert end.failure.code == "unsupported"
        said[engine] = end.failure
    assert said["llamacpp"] == said["transformers"]
    at = path if path.startswith("#") else f"#/properties/a{path}"
    assert f" at {at}:" in said["llamacpp"].message


@pytest.mark.parametrize("model", [Inner, Outer, Tree, Open, Aliased, Point | Circle], ids=str)
def test_both_give_the_object_that_was_asked_for(model: Any, engines: dict[str, WorkerDriver]) -> None:
    shape = Shape(model)
    ends = {18: 6.0}  # a quotation mark: so both engines come to an end soon
    options = GenerationOptions(
        temperature=1.0, max_tokens=480, seed=7, logit_bias=ends, response_format=shape.form
    )
    for driver in engines.values():
        answer = driver.do(Generate(next(KEYS), ASKED, options))
        assert isinstance(answer.end, GenerationDone), answer.end
        assert answer.end.finish_reason == "stop", answer.text
        shape._read(answer.text)
