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
COUNT = int(os.environ.get("AI_PAL_TEST_SCHEMAS", "50"))
"""How many a property run tries: more by this option."""
DEEPEST = 3


def random_schemas(count: int = COUNT, seed: int = 2026) -> list[Schema]:
    """Objects mostly, as people ask for them, and now and then anything else."""
    made = []
    for number in range(count):
        source = random.Random(f"{seed} {number}")
        made.append(with_reference(source) if number % 5 == 0 else schema(source, 0))
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
