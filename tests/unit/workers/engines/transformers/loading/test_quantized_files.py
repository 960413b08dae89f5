"""Weights that were stored in FP8 and MXFP4, which the library unpacks on a CPU."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ai_pal.errors import AiPalError
from tests import tiny_models
from tests.unit.workers.engines.transformers.test_engine import GREEDY, QUESTION, loaded, reference
from workers.engines.transformers.decoding.rows import Packed

Weights = dict[str, torch.Tensor]


def stored(folder: Path, change: Callable[[Weights], Weights], config: dict[str, Any]) -> Path:
    """The folder, its weights changed and its configuration saying so."""
    save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors", {"format": "pt"})
    said = json.loads((folder / "config.json").read_text()) | {"quantization_config": config}
    (folder / "config.json").write_text(json.dumps(said))
    return folder


def fp8(folder: Path) -> Path:
    tiny_models.save(folder, "llama")

    def change(weights: Weights) -> Weights:
        changed = {}
        for name, weight in weights.items():
            if "proj" in name:
                scale = weight.abs().amax() / 448
                changed[name] = (weight / scale).to(torch.float8_e4m3fn)
                changed[f"{name}_scale_inv"] = scale.reshape(1, 1)
            else:
                changed[name] = weight
        return changed

    return stored(folder, change, {"quant_method": "fp8", "weight_block_size": [128, 128]})


def mxfp4(folder: Path) -> Path:
    kinds = ["sliding_attention", "full_attention"]
    sizes: dict[str, Any] = {
        "hidden_size": 64,
        "head_dim": 16,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
    }
    tiny_models.save(folder, "gpt_oss", layer_types=kinds, sliding_window=16, **sizes)
    torch.manual_seed(3)

    def change(weights: Weights) -> Weights:
        changed = {}
        for name, weight in weights.items():
            if name.endswith(("gate_up_proj", "down_proj")):
                experts, inputs, outputs = weight.shape
                shape = (experts, outputs, inputs // 32)
                changed[f"{name}_blocks"] = torch.randint(0, 256, (*shape, 16), dtype=torch.uint8)
                changed[f"{name}_scales"] = torch.full(shape, 124, dtype=torch.uint8)
            else:
                changed[name] = weight
        return changed

    parts = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]
    return stored(folder, change, {"quant_method": "mxfp4", "modules_to_not_convert": parts})


@pytest.mark.parametrize("make", [fp8, mxfp4])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_they_answer_as_the_library_does(make: Callable[[Path], Path], dtype: str, tmp_path: Path) -> None:
    folder = make(tmp_path / "m")
    with loaded(folder, dtype=dtype) as engine:
        assert isinstance(engine.engine._batch._stepper, Packed)
        answer = engine.ask(QUESTION, GREEDY)
        assert answer.failure is None
    if dtype == "float32":
        assert answer.text == reference(folder, QUESTION, 24)


def test_they_are_not_quantized_again(tmp_path: Path) -> None:
    with pytest.raises(AiPalError) as refused, loaded(fp8(tmp_path / "m"), quantize="8bit"):
        pass
    assert refused.value.code == "config_invalid"
    assert "is quantized already" in refused.value.failure.message
