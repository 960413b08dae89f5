"""One table for two engines: each kind of chat template by each shape of a conversation. What a model reads,
what is refused, and of what parts an answer is, are the same in llama.cpp and in transformers.

`scripts/sweep_templates` has all kinds, and all answers of each; here is one of each form and rule."""

from pathlib import Path

import pytest

from tests.template_kinds.named import KINDS
from tests.template_kinds.rows import (
    compare_answers,
    compare_prompts,
    one_of_each_form,
    one_of_each_rule,
)

pytestmark = pytest.mark.real_model


@pytest.mark.parametrize("name", one_of_each_rule())
def test_the_same_prompt_or_the_same_refusal(name: str, tmp_path: Path) -> None:
    assert compare_prompts(KINDS[name], tmp_path) == []


@pytest.mark.parametrize("name", one_of_each_form())
def test_an_answer_is_taken_apart_alike(name: str, tmp_path: Path) -> None:
    assert compare_answers(KINDS[name], tmp_path, "last") == []


@pytest.mark.parametrize("name", ["qwen-3-vl", "glm-45", "kimi-thinking", "harmony", "gemma-4"])
def test_what_was_begun_may_go_on_with_a_call(name: str, tmp_path: Path) -> None:
    assert compare_answers(KINDS[name], tmp_path, "begun, and call") == []
