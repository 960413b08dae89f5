"""One table for two engines: each kind of chat template by each shape of a conversation. What a model reads,
what is refused, and of what parts an answer is, are the same in llama.cpp and in transformers.

`scripts/sweep_templates` has the answers of all kinds; here is one of each form."""

from pathlib import Path

import pytest

from tests.template_kinds.kind import Kind
from tests.template_kinds.named import KINDS
from tests.template_kinds.rows import SPOKEN, compare_answers, compare_prompts, one_of_each_form

pytestmark = pytest.mark.real_model


@pytest.mark.parametrize("name", KINDS)
def test_the_same_prompt_or_the_same_refusal(name: str, tmp_path: Path) -> None:
    assert compare_prompts(KINDS[name], tmp_path) == []


@pytest.mark.parametrize("name", one_of_each_form())
def test_an_answer_is_taken_apart_alike(name: str, tmp_path: Path) -> None:
    kind: Kind = SPOKEN[name]
    assert compare_answers(kind, tmp_path) == []
