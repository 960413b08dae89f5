"""The gap that a model fills in."""

from workers.engines.transformers.prompts.infill import marks_of


def test_the_gap_is_told_as_the_family_wants_it() -> None:
    qwen = marks_of({"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "x"})
    mistral = marks_of({"[PREFIX]", "[SUFFIX]"})
    assert qwen is not None
    assert mistral is not None
    assert "".join(qwen.arrange("a", "b")) == "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"
    assert "".join(mistral.arrange("a", "b")) == "[SUFFIX]b[PREFIX]a"
    assert marks_of({"<|fim_prefix|>"}) is None
