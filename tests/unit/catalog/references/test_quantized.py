"""Quantized weights: what they need is said before they are loaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from ai_pal.catalog.references import quantized
from ai_pal.catalog.references.quantized import PACKAGES, check_library, gguf_of, method_of
from ai_pal.errors import AiPalError

MADE_UP = {"aqlm": ("no-such-package", "nor.this")}


def folder_of(tmp_path: Path, **config: Any) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"} | config))
    return tmp_path


@pytest.mark.parametrize(
    ("config", "method"),
    [
        ({"quantization_config": {"quant_method": "gptq"}}, "gptq"),
        ({"quantization_config": {"load_in_4bit": True, "quant_method": "bitsandbytes"}}, "bitsandbytes"),
        ({"quantization_config": {"load_in_8bit": True}}, "bitsandbytes"),
        ({"quantization_config": None}, ""),
        ({}, ""),
        ([], ""),
    ],
)
def test_the_method_is_that_of_the_configuration(config: Any, method: str) -> None:
    assert method_of(config) == method


def test_what_is_missing_is_named_with_a_gguf_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantized, "PACKAGES", MADE_UP)
    folder = folder_of(tmp_path, quantization_config={"quant_method": "aqlm"})
    with pytest.raises(AiPalError) as error:
        check_library(folder, "Qwen/Qwen3-0.6B-AQLM-2Bit-4bit")
    failure = error.value.failure
    assert failure.code == "engine_missing"
    assert "is quantized (aqlm), which needs no-such-package and nor.this to be installed" in failure.message
    assert failure.hint.endswith("-m pip install no-such-package nor.this")
    with pytest.raises(AiPalError) as error:
        check_library(folder, "Qwen/Qwen3-0.6B-GPTQ-Int8")
    assert error.value.failure.hint.endswith(
        "or take the GGUF of it, which needs none: ai-pal pull qwen3:0.6b"
    )


def test_what_needs_nothing_passes(tmp_path: Path) -> None:
    check_library(folder_of(tmp_path), "m")
    for method in ("fp8", "mxfp4", "of tomorrow"):
        check_library(folder_of(tmp_path, quantization_config={"quant_method": method}), "m")


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("openai/gpt-oss-20b", "gpt-oss:20b"),
        ("/models/Qwen3-0.6B-FP8/", "qwen3:0.6b"),
        ("somebody/Other-7B-AWQ", ""),
        ("", ""),
    ],
)
def test_a_repository_is_found_again_in_the_catalog(name: str, entry: str) -> None:
    assert gguf_of(name) == entry


def test_the_methods_are_those_of_the_library() -> None:
    auto = pytest.importorskip("transformers.quantizers.auto")
    known = {name.removesuffix("_4bit").removesuffix("_8bit") for name in auto.AUTO_QUANTIZER_MAPPING}
    assert set(PACKAGES) <= known
