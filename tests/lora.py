"""Small adapters (LoRA) for the models of `tiny_gguf` and `tiny_models`, and what they do to the weights."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.tiny_gguf import LAYERS, WIDTH

RANK, ALPHA = 4, 8.0
TARGETS = tuple(f"blk.{layer}.{one}" for layer in range(LAYERS) for one in ("attn_q", "ffn_down"))
Pairs = dict[str, tuple[Any, Any]]


def pairs(width: int = WIDTH) -> Pairs:
    """The two factors of what is added to each weight."""
    random = np.random.default_rng(11)
    shapes = dict.fromkeys(TARGETS, ((RANK, width), (width, RANK)))
    return {
        name: (random.normal(0.0, 0.4, a).astype(np.float32), random.normal(0.0, 0.4, b).astype(np.float32))
        for name, (a, b) in shapes.items()
    }


def changes(scale: float) -> dict[str, Any]:
    """What the adapter adds to the weights, by their names."""
    return {f"{name}.weight": scale * ALPHA / RANK * (b @ a) for name, (a, b) in pairs().items()}


def save_gguf(file: Path, *, architecture: str = "llama", width: int = WIDTH) -> Path:
    """An adapter as llama.cpp reads it."""
    writer = gguf.GGUFWriter(str(file), architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", ALPHA)
    for name, (a, b) in pairs(width).items():
        writer.add_tensor(f"{name}.weight.lora_a", a)
        writer.add_tensor(f"{name}.weight.lora_b", b)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def save_folder(folder: Path, *, width: int = 32, layers: int = 2, **config: object) -> Path:
    """An adapter in peft's layout, for a llama of `tiny_models`."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    torch.manual_seed(5)
    weights = {}
    for layer in range(layers):
        for part, inputs, outputs in (("self_attn.q_proj", width, width), ("mlp.down_proj", 64, width)):
            name = f"base_model.model.model.layers.{layer}.{part}"
            weights[f"{name}.lora_A.weight"] = torch.randn(RANK, inputs) * 0.5
            weights[f"{name}.lora_B.weight"] = torch.randn(outputs, RANK) * 0.5
    save_file(weights, folder / "adapter_model.safetensors")
    said = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "somebody/tiny",
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": ["q_proj", "down_proj"],
    }
    (folder / "adapter_config.json").write_text(json.dumps(said | config))
    return folder
