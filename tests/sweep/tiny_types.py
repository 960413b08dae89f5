"""Tiny random models of every causal type that transformers has, as far as they can be built small."""

from pathlib import Path
from typing import Any

from tests import tiny_models

EVERY: dict[str, Any] = {
    "initializer_range": 0.3,
    "is_decoder": True,
    "forced_eos_token_id": None,
    "sliding_window": 16,
    "attention_dropout": 0.0,
    "dropout": 0.0,
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 512,
    "n_ctx": 512,
    "n_inner": 64,
    "d_model": 32,
    "num_layers": 2,
    "num_heads": 4,
    "n_layers": 2,
    "n_heads": 4,
    "max_seq_len": 512,
    "ffn_dim": 64,
    "decoder_layers": 2,
    "decoder_attention_heads": 4,
    "decoder_ffn_dim": 64,
    "encoder_layers": 2,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "word_embed_proj_dim": 32,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "v_head_dim": 8,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "rotary_dim": 4,
    "mamba_d_state": 8,
    "mamba_d_conv": 4,
    "mamba_expand": 2,
    "mamba_n_heads": 8,
    "mamba_d_head": 8,
    "state_size": 8,
    "conv_kernel": 4,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
"""What is small in all types that have it; the rest is `tiny_models`'."""
MIXED = ["linear_attention", "full_attention"]
SLIDING = ["sliding_attention", "full_attention"]
OWN: dict[str, dict[str, Any]] = {
    "bailing_hybrid": {"layer_types": MIXED},
    "bamba": {"attn_layer_indices": [1]},
    "cohere_compass_text": {
        "rope_parameters": {kind: {"rope_type": "default", "rope_theta": 1e4} for kind in SLIDING},
        "layer_types": SLIDING,
    },
    "dbrx": {
        "attn_config": {"rope_theta": 1e4, "kv_n_heads": 2, "clip_qkv": 8.0},
        "ffn_config": {"ffn_hidden_size": 64},
    },
    "dots1": {"n_shared_experts": 1},
    "falcon_h1": {"mamba_d_ssm": 64},
    "gemma3_text": {"layer_types": SLIDING},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "window_size": 16},
    "gpt_oss": {"layer_types": SLIDING},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"]},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "use_mamba_kernels": False},
    "kimi_linear": {"layer_types": MIXED},
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "lfm3": {"layer_types": ["conv", "full_attention"]},
    "mamba2": {"num_heads": 8, "head_dim": 8, "n_groups": 1, "expand": 2},
    "minimax": {"layer_types": MIXED, "sliding_window": None},
    "qwen2": {"layer_types": None},
    "qwen3_5_moe_text": {"layer_types": MIXED},
    "qwen3_5_text": {"layer_types": MIXED},
    "qwen3_next": {"layer_types": MIXED},
    "xmod": {"default_language": "en_XX"},
    "zamba2": {"layers_block_type": ["linear_attention", "hybrid"]},
    "zaya": {"num_experts_per_tok": 1},
    "recurrent_gemma": {
        "lru_width": 32,
        "attention_window_size": 16,
        "block_types": ["recurrent", "attention"],
    },
}
"""What single types want besides."""


def causal_types() -> list[str]:
    """All types that transformers has a causal class for."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def build(kind: str, folder: Path) -> Path:
    """A model of this type. Raises whatever the library does where it cannot be so small."""
    from transformers import CONFIG_MAPPING

    usual, own = CONFIG_MAPPING[kind](), OWN.get(kind, {})
    changes = _small(usual, EVERY) | own
    text = tiny_models.SIZES | EVERY | {"vocab_size": tiny_models.byte_level().get_vocab_size()}
    for name in usual.sub_configs:
        part: Any = getattr(usual, name, None)
        if hasattr(part, "model_type"):
            sizes = _small(part, text) | OWN.get(part.model_type, {})
            changes[name] = {"model_type": part.model_type, **sizes} | own.get(name, {})
    fixed = {name for name in tiny_models.SIZES if _is_fixed(usual, name)}
    return tiny_models.save(folder, kind, leave=fixed, **changes)


def _small(usual: Any, sizes: dict[str, Any]) -> dict[str, Any]:
    """Those of the sizes that such a configuration says itself."""
    if hasattr(usual, "kv_lora_rank"):  # each head has keys of its own
        sizes = sizes | {"num_key_value_heads": 4, "head_dim": 8}
    return {name: size for name, size in sizes.items() if hasattr(usual, name) and not _is_fixed(usual, name)}


def _is_fixed(usual: Any, name: str) -> bool:
    return isinstance(getattr(type(usual), name, None), property)
