"""Answers held to a JSON schema of 20 properties against free ones, in turn, and what compiling it takes."""

import time
from collections.abc import Iterator
from typing import Any

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from scripts.benchmarks.figures import Row, alternate, of_medians, row
from scripts.benchmarks.models import safetensors_folder
from scripts.benchmarks.streams import Stream, options, told
from scripts.benchmarks.supervisors import MODEL, supervisor

TOKENS = 128
"""Of each answer; with 20 properties the held one is not at its end then."""
KINDS: tuple[dict[str, Any], ...] = (
    {"type": "string"},
    {"type": "integer"},
    {"type": "boolean"},
    {"enum": ["small", "medium", "large"]},
    {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 4},
)
NAMES = (
    *("name", "born", "alive", "size", "tags", "country", "population", "coastal", "climate", "rivers"),
    *("capital", "founded", "walled", "district", "bridges", "mayor", "schools"),
    *("airport", "market", "parks"),
)


def schema(number: int) -> dict[str, Any]:
    """Always another one, so that nothing that is remembered helps."""
    properties = {name: KINDS[place % len(KINDS)] for place, name in enumerate(NAMES)}
    return {"type": "object", "title": f"City {number}", "properties": properties, "required": [*NAMES]}


def compiling(pairs: int) -> Iterator[Row]:
    """The verdict on a schema, path and all, and its grammar for the vocabulary of the starter."""
    from transformers import AutoTokenizer

    from workers.engines.transformers.guiding.constraint import Compiler
    from workers.structured.rules import json_rule

    tokenizer = AutoTokenizer.from_pretrained(safetensors_folder())
    compiler = Compiler(tokenizer, len(tokenizer), [tokenizer.eos_token_id])
    begun = time.perf_counter()
    compiler.rules(f"start: {json_rule(schema(-1))}")
    first = time.perf_counter() - begun
    verdicts, grammars = [], []
    for number in range(pairs * 5):
        asked = time.perf_counter()
        lark = f"start: {json_rule(schema(number))}"
        verdicts.append((time.perf_counter() - asked) * 1e3)
        compiler.rules(lark)
        grammars.append((time.perf_counter() - asked) * 1e3)
    yield row("a schema of 20 properties: the verdict", verdicts, "ms")
    yield row("  with its grammar", grammars, "ms", note=f"the first one of a process {first:.1f} s")


def by_llamacpp(pairs: int) -> Iterator[Row]:
    """Through a supervisor."""
    return _side_by_side("llama.cpp", MODEL, pairs)


def by_transformers(pairs: int) -> Iterator[Row]:
    """Through a supervisor, nothing guessed: the free text repeats itself and would be guessed more often."""
    return _side_by_side("transformers", f"{safetensors_folder()}?speculate=off", pairs)


def _side_by_side(engine: str, model: str, pairs: int) -> Iterator[Row]:
    """The same questions; the schema is used before."""
    form = JsonSchema(schema(0))
    how = GenerationOptions(temperature=0.0, max_tokens=TOKENS, response_format=form)
    with supervisor() as running, running.client() as client:

        def held(number: int) -> Stream:
            return told(client, model, _question(2 * number), how=how)

        def free(number: int) -> Stream:
            return told(client, model, _question(2 * number + 1), how=options(TOKENS))

        free(-1)
        first = held(-1).first
        bound, loose = alternate(pairs, held, free)
    yield of_medians(
        f"{engine}: held to a schema / free, tokens/s",
        [one.speed for one in bound],
        [one.speed for one in loose],
        at_least=0.85,
    )
    times = of_medians(
        "  time to the first token", [one.first for one in bound], [one.first for one in loose]
    )
    times.note += f" s; {first:.2g} s with the first schema of a worker"
    yield times


def _question(number: int) -> list[Message]:
    system = Message("system", f"{number} is your number, and you know all cities.")
    return [system, Message("user", "Describe Lisbon as JSON.")]
