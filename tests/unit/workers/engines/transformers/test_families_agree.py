"""Families of models, small and random, write what the library's `generate` writes: read in parts, beyond
their windows, four together, and in a second turn. `scripts/sweep` compares all."""

from pathlib import Path

import pytest

from tests.sweep.compare import compare

WAYS = {
    "packed": (
        *("cohere2", "gemma2", "gemma3_text", "gpt2", "gpt_neox", "gpt_oss", "granite", "llama", "mistral"),
        *("mixtral", "olmo2", "phi3", "qwen2", "qwen3", "smollm3"),
    ),
    "plain": ("falcon_h1", "jamba", "lfm2", "mamba", "phimoe"),
}


@pytest.mark.parametrize(("way", "kind"), [(way, kind) for way, kinds in WAYS.items() for kind in kinds])
def test_a_family_writes_as_the_library_does(way: str, kind: str, tmp_path: Path) -> None:
    found = compare(kind, tmp_path / "model")
    assert (found.way, found.verdict) == (way, "as the library")


def test_what_writes_by_inputs_of_its_own_making_is_refused(tmp_path: Path) -> None:
    assert "fills masks" in compare("xlnet", tmp_path / "model").why
