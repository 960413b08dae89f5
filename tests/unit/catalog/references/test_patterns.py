"""Which names a list of patterns means."""

import pytest

from ai_pal.catalog.references.patterns import matches


@pytest.mark.parametrize(
    ("patterns", "name", "means"),
    [
        ([], "anything", True),
        (["smollm2"], "smollm2", True),
        (["smollm2"], "SmolLM2:latest", True),
        (["smollm2:latest"], "smollm2", True),
        (["smollm2"], "smollm2:360m", False),
        (["smollm2*"], "smollm2:360m", True),
        (["smollm2"], "smollm2?context=512", True),
        (["qwen*", "openai:*"], "openai:gpt-4.1", True),
        (["qwen*"], "openai:qwen", False),
        (["smollm2"], "", False),
    ],
)
def test_names(patterns: list[str], name: str, means: bool) -> None:
    assert matches(patterns, name) == means
