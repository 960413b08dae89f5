"""What a body of /api/create wants, before anything is looked up."""

from typing import Any

import msgspec
import pytest

from ai_pal.config.presets import Example, Preset
from ai_pal.errors import AiPalError
from ai_pal.gateway.ollama.creating import CreateBody, Wish, wish_of

DIGEST = "sha256:" + "a" * 64


def wanted(**body: Any) -> Wish:
    return wish_of(msgspec.convert({"model": "x", "from": "base", **body}, CreateBody))


def test_how_it_is_loaded_belongs_to_its_name_and_how_it_answers_to_a_preset() -> None:
    assert wanted(parameters={"num_ctx": 64.0, "num_thread": 2, "top_k": None}) == Wish(
        "base", loaded={"context": 64, "threads": 2}
    )
    assert wanted(system="S", parameters={"num_ctx": 64, "temperature": 0.5, "repeat_last_n": 9}) == Wish(
        "base",
        loaded={"context": 64},
        preset=Preset(system="S", temperature=0.5, options={"repeat_last_n": 9}),
    )


def test_messages_are_examples_and_one_of_them_may_be_the_system_prompt() -> None:
    said = [("system", "S"), ("user", "a"), ("assistant", "b")]
    preset = wanted(messages=[{"role": role, "content": text} for role, text in said]).preset
    assert preset == Preset(system="S", messages=[Example("user", "a"), Example("assistant", "b")])


def test_a_licence_is_kept_with_its_name() -> None:
    assert wanted(license="MIT").preset == Preset(licence="MIT")
    assert wanted(license=["MIT", "and more"]).preset == Preset(licence="MIT\nand more")


def test_it_is_made_of_a_model_or_of_a_file() -> None:
    assert wanted(**{"from": ""}, files={"a.gguf": DIGEST}).file == "a" * 64
    assert wanted(adapters={"b.gguf": DIGEST}).adapters == ("a" * 64,)
    for wrong in (
        {"from": ""},
        {"files": {"a.gguf": DIGEST}},
        {"from": "", "files": {"a": DIGEST, "b": DIGEST}},
        {"from": "", "files": {"a": "sha256:x"}},
        {"quantize": "q4_0"},
    ):
        with pytest.raises(AiPalError):
            wanted(**wrong)
