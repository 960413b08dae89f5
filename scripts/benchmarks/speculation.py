"""Answers whose tokens are guessed and checked together against the same ones without, by kind of task."""

from collections.abc import Callable, Iterator
from typing import Any

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from scripts.benchmarks.figures import Row, alternate, of_medians
from scripts.benchmarks.models import large, safetensors_folder
from scripts.benchmarks.streams import Stream, told
from scripts.benchmarks.supervisors import MODEL, supervisor

TOKENS = 128
SLOWEST = 0.97
"""Of the speed without guesses, for what guesses unasked."""
PLACES = ("Lindholm", "Vresen", "Tarnby", "Aldermoor", "Skelwick", "Ostrava", "Brennick", "Halsund")
WARES = ("potatoes", "honey", "smoked eel", "apples", "candles", "wool", "cheese", "plums", "nails", "rope")
PEOPLE: dict[str, Any] = {
    "type": "array",
    "minItems": 4,
    "maxItems": 6,
    "items": {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
        "required": ["name", "age"],
    },
}


def by_llamacpp(pairs: int) -> Iterator[Row]:
    """Through a supervisor; nothing guesses unasked there."""
    return _by_kind("llama.cpp", MODEL, pairs, None)


def by_transformers(pairs: int) -> Iterator[Row]:
    """Through a supervisor."""
    return _by_kind("transformers", str(safetensors_folder()), pairs, SLOWEST)


def large_by_llamacpp(pairs: int) -> Iterator[Row]:
    """A model of a real size."""
    return _by_kind("llama.cpp, 1.5B", large().reference, pairs, None)


def story(number: int) -> str:
    """Always another text, so that no guess comes from an earlier answer."""
    place, other = PLACES[number % len(PLACES)], PLACES[(number + 3) % len(PLACES)]
    wares = ", ".join(WARES[(number * 3 + step) % len(WARES)] for step in range(3))
    return (
        f"The harbour of {place} lies {number + 2} miles from {other}. On day {number % 28 + 1} of each month"
        f" there is a market behind the wall, where farmers sell {wares} and {number * 7 + 11} kinds of"
        f" seed. A ferry crosses to {other} {number % 5 + 2} times a day, except when the wind"
        " comes from the north-east."
    )


def code(number: int) -> str:
    """Always other names."""
    name, ware = PLACES[number % len(PLACES)].lower(), WARES[number % len(WARES)].replace(" ", "_")
    return (
        f"def total_{ware}_{number}(records):\n    totals = {{}}\n    for record in records:\n"
        f'        {name} = record["{name}"]\n        if {name} is None:\n            continue\n'
        f'        totals[{name}] = totals.get({name}, 0.0) + record["{ware}"] * {number + 3}\n'
        "    return totals\n"
    )


KINDS: dict[str, Callable[[int], str]] = {
    "a text with a change": lambda n: (
        f"Copy this text, but write Norholm instead of the first name.\n\n{story(n)}"
    ),
    "code with a change": lambda n: f"Rename `totals` to `sums` in this code.\n\n```python\n{code(n)}```",
    "quotation": lambda n: f"{story(n)}\n\nQuote the last two sentences of this text, word for word.",
    "prose": lambda n: f"Tell a story of {PLACES[n % len(PLACES)]}, where {n + 3} keepers find a letter.",
    "JSON by a schema": lambda n: f"Invent {n % 3 + 4} people of {PLACES[n % len(PLACES)]}.",
}


def _by_kind(engine: str, model: str, pairs: int, at_least: float | None) -> Iterator[Row]:
    with supervisor() as running, running.client() as client:
        for place, (kind, question) in enumerate(KINDS.items()):
            held = JsonSchema(PEOPLE) if "JSON" in kind else None
            how = GenerationOptions(temperature=0.0, max_tokens=TOKENS, response_format=held)

            def asked(way: str, number: int, question: Any = question, how: Any = how) -> Stream:
                messages = [Message("system", ""), Message("user", question(number))]
                return told(client, f"{model}?speculate={way}", messages, how=how)

            begin = place * 1000
            for way in ("ngram", "off"):
                asked(way, begin)
            guessed, plain = alternate(
                pairs,
                lambda pair, ask=asked, begin=begin: ask("ngram", begin + 1 + pair),  # type: ignore[misc]
                lambda pair, ask=asked, begin=begin: ask("off", begin + 1 + pair),  # type: ignore[misc]
            )
            yield of_medians(
                f"{engine}: {kind}, with guesses / without, tokens/s",
                [one.speed for one in guessed],
                [one.speed for one in plain],
                at_least=at_least,
            )
