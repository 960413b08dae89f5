"""What Ollama's clients are told that a model can."""

import pytest

from ai_pal.catalog.inventory.details import Details
from ai_pal.catalog.known.model import Strength
from ai_pal.gateway.ollama.listing import capabilities, shown
from ai_pal.protocol.options import Ability, GenerationOptions
from ai_pal.protocol.worker import LARGEST_DEFAULT_CONTEXT


@pytest.mark.parametrize(
    ("able", "strengths", "told"),
    [
        (None, (), ["completion"]),
        (None, ("pictures", "tools", "thinking"), ["completion", "tools", "vision", "thinking"]),
        (("chat", "infill"), ("fill-in",), ["completion", "insert"]),
        (("embed",), ("embeddings",), ["embedding"]),
        (("rerank",), ("rerank",), []),
    ],
)
def test_capabilities(
    able: tuple[Ability, ...] | None, strengths: tuple[Strength, ...], told: list[str]
) -> None:
    known = Details(able=None if able is None else frozenset(able), strengths=strengths)
    assert capabilities(known) == told


def test_what_it_samples_with_is_told_in_ollamas_names() -> None:
    told = shown(Details(sampling=GenerationOptions(temperature=0.6, top_k=20, stop=["<end>"])))
    assert [line.split() for line in told["parameters"].splitlines()] == [
        ["temperature", "0.6"],
        ["top_k", "20"],
        ["stop", '"<end>"'],
    ]


def test_all_numbers_are_told_that_ollamas_command_shows() -> None:
    told = shown(Details(architecture="echo"))["model_info"]
    assert told == {
        "general.architecture": "echo",
        "general.parameter_count": 0,
        "echo.embedding_length": 0,
        "echo.context_length": LARGEST_DEFAULT_CONTEXT,
    }
    assert shown(Details(context=512))["model_info"]["unknown.context_length"] == 512
