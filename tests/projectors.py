"""Small random projectors (mmproj) for llama.cpp: the part of a model that sees or hears, in real classes."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np

WIDTH = 576
"""Numbers per token of the starter model, to which they fit."""
EMBEDDING, HIDDEN, LAYERS, HEADS = 32, 64, 2, 2
IMAGE, PATCH = 64, 8
MEL_BINS, AUDIO_POSITIONS, STACKED = 80, 1500, 20
SOUND = AUDIO_POSITIONS // STACKED
"""Tokens of half a minute."""
SPREAD = 0.5

Add = Callable[..., None]


def save(path: Path, kind: str = "mlp", width: int = WIDTH) -> Path:
    """One of LLaVA's ("mlp"), Gemma 3's ("gemma3"), SmolVLM's ("idefics3") or Ultravox' ("ultravox") class,
    random but always the same, for a model of this `width`."""
    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_type("mmproj")
    writer.add_string("clip.projector_type", kind)
    writer.add_bool("clip.use_gelu", True)
    random = np.random.default_rng(3)

    def add(name: str, *shape: int, ones: bool = False) -> None:
        spread = SPREAD / math.sqrt(math.prod(shape[1:]))  # as large as what a model is used to
        values = np.ones(shape) if ones else random.normal(0, spread, shape)
        writer.add_tensor(name, values.astype(np.float32))

    if kind == "ultravox":
        _hears(writer, add, width)
    else:
        _sees(writer, add, kind, width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _sees(writer: Any, add: Add, kind: str, width: int) -> None:
    writer.add_bool("clip.has_vision_encoder", True)
    _sizes(writer, "vision", width)
    writer.add_uint32("clip.vision.image_size", IMAGE)
    writer.add_uint32("clip.vision.patch_size", PATCH)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    patches = (IMAGE // PATCH) ** 2
    add("v.patch_embd.weight", EMBEDDING, 3, PATCH, PATCH)
    _layers(add, "v")
    match kind:
        case "mlp":
            add("v.class_embd", EMBEDDING)
            add("v.position_embd.weight", patches + 1, EMBEDDING)
            _norm(add, "v.pre_ln")
            _linear(add, "mm.0", EMBEDDING, width)
            _linear(add, "mm.2", width, width)
        case "gemma3":
            writer.add_uint32("clip.vision.projector.scale_factor", 2)
            add("v.patch_embd.bias", EMBEDDING)
            add("v.position_embd.weight", patches, EMBEDDING)
            _norm(add, "v.post_ln")
            add("mm.soft_emb_norm.weight", EMBEDDING, ones=True)
            add("mm.input_projection.weight", EMBEDDING, width)
        case "idefics3":
            writer.add_uint32("clip.vision.projector.scale_factor", 2)
            writer.add_uint32("clip.vision.preproc_image_size", 2 * IMAGE)
            add("v.patch_embd.bias", EMBEDDING)
            add("v.position_embd.weight", patches, EMBEDDING)
            _norm(add, "v.post_ln")
            add("mm.model.fc.weight", width, EMBEDDING * 4)


def _hears(writer: Any, add: Add, width: int) -> None:
    writer.add_bool("clip.has_audio_encoder", True)
    _sizes(writer, "audio", width)
    writer.add_uint32("clip.audio.num_mel_bins", MEL_BINS)
    writer.add_uint32("clip.audio.projector.stack_factor", STACKED)
    add("a.conv1d.1.weight", EMBEDDING, MEL_BINS, 3)
    add("a.conv1d.1.bias", EMBEDDING, 1)
    add("a.conv1d.2.weight", EMBEDDING, EMBEDDING, 3)
    add("a.conv1d.2.bias", EMBEDDING, 1)
    add("a.position_embd.weight", AUDIO_POSITIONS, EMBEDDING)
    _layers(add, "a")
    _norm(add, "a.post_ln")
    add("mm.a.norm_pre.weight", EMBEDDING * STACKED, ones=True)
    add("mm.a.mlp.1.weight", 2 * HIDDEN, EMBEDDING * STACKED)
    add("mm.a.norm_mid.weight", HIDDEN, ones=True)
    add("mm.a.mlp.2.weight", width, HIDDEN)


def _sizes(writer: Any, sense: str, width: int) -> None:
    numbers = {
        "embedding_length": EMBEDDING,
        "feed_forward_length": HIDDEN,
        "block_count": LAYERS,
        "attention.head_count": HEADS,
        "projection_dim": width,
    }
    for name, value in numbers.items():
        writer.add_uint32(f"clip.{sense}.{name}", value)
    writer.add_float32(f"clip.{sense}.attention.layer_norm_epsilon", 1e-6)


def _layers(add: Add, prefix: str) -> None:
    for layer in range(LAYERS):
        at = f"{prefix}.blk.{layer}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            add(f"{at}.{name}.weight", EMBEDDING, EMBEDDING)
            if name != "attn_k":  # Whisper has none
                add(f"{at}.{name}.bias", EMBEDDING)
        _linear(add, f"{at}.ffn_up", EMBEDDING, HIDDEN)
        _linear(add, f"{at}.ffn_down", HIDDEN, EMBEDDING)
        _norm(add, f"{at}.ln1")
        _norm(add, f"{at}.ln2")


def _linear(add: Add, name: str, given: int, made: int) -> None:
    add(f"{name}.weight", made, given)
    add(f"{name}.bias", made)


def _norm(add: Add, name: str) -> None:
    add(f"{name}.weight", EMBEDDING, ones=True)
    add(f"{name}.bias", EMBEDDING)
