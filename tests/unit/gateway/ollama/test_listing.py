"""What Ollama's clients are told that a model can."""

import pytest

from ai_pal.catalog.inventory.details import Details
from ai_pal.catalog.known.model import Strength
from ai_pal.gateway.ollama.listing import capabilities
from ai_pal.protocol.options import Ability


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
