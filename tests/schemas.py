"""Random JSON schemas, always the same for one seed, for answers that must validate against them.

Each can be satisfied by something finite, and nothing in it may grow without end: what is too long for a tiny
model at temperature 1 says nothing about its grammar.
"""

import json
import os
import random
from collections.abc import Callable
from typing import Any

import jsonschema

Schema = dict[str, Any]
WORDS = ["name", "size", "tags", "kind", "notes", "owner", "is open", 'quo"te', "größe", "a/b", "x-1", "数"]
ASKED = os.environ.get("AI_PAL_TEST_SCHEMAS")
COUNT = int(ASKED or "24")
"""How many are tried: more by this option."""
DEEPEST = 3


def how_many(usual: int) -> int:
    """Of those that take their time in a suite."""
    return int(ASKED) if ASKED else usual


def random_schemas(count: int = COUNT, seed: int = 2026) -> list[Schema]:
    """Objects mostly, as people ask for them, and now and then anything else."""
    made = []
    for number in range(count):
        source = random.Random(f"{seed} {number}")
        made.append(with_reference(source) if number % 5 == 0 else schema(source, 0))
    return made


def wild_schemas(count: int, seed: int = 2026) -> list[Schema]:
    """As people write them who think of no grammar: objects left open, several schemas of one value,
    formats, names by their pattern, trees of any depth. Answers may be long."""
    made = []
    for number in range(count):
        source = random.Random(f"wild {seed} {number}")
        schema = wild(source, 0)
        made.append({**schema, "$defs": {"part": wild(source, DEEPEST), "tree": TREE}})
    return made


def problem(schema: Schema, answer: str) -> str:
    """Why the answer does not validate, "" where it does."""
    try:
        value = json.loads(answer)
    except ValueError as error:
        return f"no JSON: {error}"
    validator = jsonschema.Draft202012Validator(schema)
    return "; ".join(str(error.message) for error in validator.iter_errors(value))


def schema(source: random.Random, depth: int) -> Schema:
    """Any schema; the deeper, the simpler."""
    leaves = [text, number, boolean, choice, constant, nothing_or]
    branches = [an_object, an_object, a_list, union, pair]
    makers = [an_object] if depth == 0 and source.random() < 0.7 else leaves
    if depth < DEEPEST and makers is leaves:
        makers = branches + leaves
    make: Callable[[random.Random, int], Schema] = source.choice(makers)
    return make(source, depth + 1)


def with_reference(source: random.Random) -> Schema:
    """A tree of bounded depth over definitions, one of them used several times."""
    leaf = an_object(source, DEEPEST)
    node = {
        "type": "object",
        "properties": {"leaf": {"$ref": "#/$defs/leaf"}, "more": {"$ref": "#/$defs/several"}},
        "required": ["leaf"],
        "additionalProperties": False,
    }
    several = {"type": "array", "items": {"$ref": "#/$defs/leaf"}, "maxItems": 2}
    return {**node, "$defs": {"leaf": leaf, "several": several}}


def an_object(source: random.Random, depth: int) -> Schema:
    names = source.sample(WORDS, source.randint(1, 5))
    required = [name for name in names if source.random() < 0.7]
    properties = {name: schema(source, depth) for name in names}
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def a_list(source: random.Random, depth: int) -> Schema:
    least = source.randint(0, 2)
    most = least + source.randint(0, 3)
    return {"type": "array", "items": schema(source, depth), "minItems": least, "maxItems": most}


def pair(source: random.Random, depth: int) -> Schema:
    items = [schema(source, depth + 1) for _ in range(2)]
    return {"type": "array", "prefixItems": items, "items": False, "minItems": 2}


def union(source: random.Random, depth: int) -> Schema:
    return {"anyOf": [schema(source, depth + 1) for _ in range(source.randint(2, 3))]}


def nothing_or(source: random.Random, depth: int) -> Schema:
    return {"type": [source.choice(["boolean", "string"]), "null"], "maxLength": 12}


def text(source: random.Random, depth: int) -> Schema:
    patterns = ["^[a-z]{2,5}$", "^[A-Z][0-9]{3}$", r"^\d{4}-\d{2}$", "^(red|green|blue)$"]
    if source.random() < 0.3:
        return {"type": "string", "pattern": source.choice(patterns)}
    least = source.randint(0, 3)
    return {"type": "string", "minLength": least, "maxLength": least + source.randint(1, 12)}


def number(source: random.Random, depth: int) -> Schema:
    least = source.randint(-50, 50)
    most = least + source.randint(0, 1000)
    return {"type": "integer", "minimum": least, "maximum": most}


def boolean(source: random.Random, depth: int) -> Schema:
    return {"type": "boolean"}


def choice(source: random.Random, depth: int) -> Schema:
    values: list[Any] = ["red", "green", 3, -1.5, None, True, 'a "b"', ["x"], {"k": 1}, ""]
    return {"enum": source.sample(values, source.randint(1, 4))}


def constant(source: random.Random, depth: int) -> Schema:
    return {"const": source.choice(["ready", 7, False, {"a": [1, 2]}, "naïve 数"])}


TREE: Schema = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "more": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
    "required": ["name"],
}
FORMATS = (
    "date",
    "time",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uuid",
    "uri",
    "byte",
)


def wild(source: random.Random, depth: int) -> Schema:
    """Any schema."""
    leaves = [text, number, boolean, choice, nothing_or, whole_number, real_number, formatted, part]
    branches = [left_open, left_open, one_of, all_of, of_patterns, beside, tuple_of, union, a_list]
    makers = [left_open] if depth == 0 and source.random() < 0.5 else branches
    make = source.choice(leaves if depth >= DEEPEST else makers + leaves[: depth * 9])
    return make(source, depth + 1)


def left_open(source: random.Random, depth: int) -> Schema:
    names = source.sample(WORDS, source.randint(1, 4))
    made: Schema = {"properties": {name: wild(source, depth) for name in names}}
    if source.random() < 0.8:
        made["type"] = "object"
    if source.random() < 0.7:
        made["required"] = source.sample([*names, "another"], source.randint(1, 2))
    if source.random() < 0.2:
        made["additionalProperties"] = source.choice([True, False, {"type": "integer"}])
    return made


def one_of(source: random.Random, depth: int) -> Schema:
    kinds = source.sample(["cat", "dog", "bird"], 2)
    of = [
        {
            "type": "object",
            "properties": {"kind": {"const": kind}, "of": wild(source, depth)},
            "required": ["kind"],
        }
        for kind in kinds
    ]
    return {"oneOf": of, "discriminator": {"propertyName": "kind"}}


def all_of(source: random.Random, depth: int) -> Schema:
    more = {"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]}
    return {"allOf": [{"type": "object", "properties": {"a": wild(source, DEEPEST)}}, more]}


def of_patterns(source: random.Random, depth: int) -> Schema:
    made: Schema = {"type": "object", "patternProperties": {"^x_": wild(source, depth)}}
    if source.random() < 0.5:
        made["properties"] = {"x_1": {"type": ["string", "integer", "object"]}, "y": {"type": "boolean"}}
    if source.random() < 0.5:
        made["additionalProperties"] = False
    return made


def beside(source: random.Random, depth: int) -> Schema:
    """A union beside what all of it have."""
    parts = [{"properties": {name: wild(source, DEEPEST)}, "required": [name]} for name in ("a", "b")]
    return {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"], "anyOf": parts}


def tuple_of(source: random.Random, depth: int) -> Schema:
    made: Schema = {"type": "array", "prefixItems": [wild(source, depth), {"type": "integer"}]}
    return made | source.choice([{"items": False}, {"items": {"type": "null"}}, {"minItems": 2}])


def whole_number(source: random.Random, depth: int) -> Schema:
    return source.choice(
        [
            {"type": "integer"},
            {"type": ["integer", "null"]},
            {"type": "integer", "exclusiveMinimum": 0},
            {"type": "integer", "multipleOf": 3, "maximum": 30, "minimum": -30},
        ]
    )


def real_number(source: random.Random, depth: int) -> Schema:
    least = source.randint(-20, 20) / 4
    return source.choice(
        [
            {"type": "number"},
            {"type": "number", "exclusiveMinimum": least, "maximum": least + 7.5},
            {"type": "number", "multipleOf": 0.5},
        ]
    )


def formatted(source: random.Random, depth: int) -> Schema:
    return {"type": "string", "format": source.choice(FORMATS)}


def part(source: random.Random, depth: int) -> Schema:
    referred = {"$ref": f"#/$defs/{source.choice(['part', 'tree'])}"} if depth < DEEPEST else {"type": "null"}
    return source.choice([referred, {**referred, "description": "the other"}, {"allOf": [referred]}])
