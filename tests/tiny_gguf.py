"""Small random models as GGUF files, with vocabularies of each kind that llama.cpp knows."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
WIDTH, LAYERS, HEADS = 64, 2, 4
WORDS = ["the", "sea", "is", "deep", "and", "blue", "what", "weather", "in", "paris", "be", "brief", "word"]
LETTERS = [chr(code) for code in range(33, 127)] + ["é", "数"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def _sentencepiece(writer: gguf.GGUFWriter) -> int:
    """SPM, as Llama 2 has it."""
    tokens = ["<unk>", "<s>", "</s>", *BYTES, "▁", *LETTERS, *(f"▁{word}" for word in WORDS)]
    kinds = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256] + [NORMAL] * (len(tokens) - 259)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(at) for at in range(len(tokens))])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    return len(tokens)


def _unigram(writer: gguf.GGUFWriter) -> int:
    """UGM, as T5 has it."""
    tokens = ["<pad>", "</s>", "<unk>", "▁", *LETTERS, *(f"▁{word}" for word in WORDS)]
    writer.add_tokenizer_model("t5")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0, 0.0, 0.0, *(-2.0 - at / 9 for at in range(len(tokens) - 3))])
    writer.add_token_types([CONTROL, CONTROL, UNKNOWN] + [NORMAL] * (len(tokens) - 3))
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(2)
    return len(tokens)


def _wordpiece(writer: gguf.GGUFWriter) -> int:
    """WPM, as BERT has it."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*special, *(f"▁{one}" for one in (*WORDS, *LETTERS)), *LETTERS]
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL] * 5 + [NORMAL] * (len(tokens) - 5))
    for add, at in ((writer.add_pad_token_id, 0), (writer.add_unk_token_id, 1), (writer.add_bos_token_id, 2)):
        add(at)
    writer.add_eos_token_id(3)
    writer.add_sep_token_id(3)
    writer.add_mask_token_id(4)
    return len(tokens)


def _bytes(writer: gguf.GGUFWriter) -> int:
    """BPE, as GPT-2 has it."""
    alphabet = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 324))]
    tokens = ["<|endoftext|>", *alphabet, "th", "the", "Ġthe"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL] + [NORMAL] * (len(tokens) - 1))
    writer.add_token_merges(["t h", "th e", "Ġ the"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    return len(tokens)


VOCABULARIES: dict[str, Callable[[gguf.GGUFWriter], int]] = {
    "sentencepiece": _sentencepiece,
    "unigram": _unigram,
    "wordpiece": _wordpiece,
    "bytes": _bytes,
}


def save(
    file: Path,
    vocabulary: str,
    *,
    name: str = "Tiny",
    template: str = "",
    architecture: str = "llama",
    context: int = 2048,
    weights: Callable[[Any], Any] = lambda one: one,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """A model that says anything, but always the same. `weights` may change them, `changes` are added
    to them."""
    writer = gguf.GGUFWriter(str(file), architecture)
    writer.add_name(name)
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    if template:
        writer.add_chat_template(template)
    size = VOCABULARIES[vocabulary](writer)
    random = np.random.default_rng(7)
    shapes = {"token_embd": (size, WIDTH), "output_norm": (WIDTH,)}
    for layer in range(LAYERS):
        square = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
        shapes |= {f"blk.{layer}.{one}": (WIDTH, WIDTH) for one in square}
        shapes |= {f"blk.{layer}.{one}": (WIDTH,) for one in ("attn_norm", "ffn_norm")}
    for one, shape in shapes.items():
        added = (changes or {}).get(f"{one}.weight", 0.0)
        values = (random.normal(0.0, 0.1, shape) + added).astype(np.float32)
        writer.add_tensor(f"{one}.weight", weights(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def save_mamba(file: Path) -> Path:
    """A model with a state instead of attention."""
    inner, states, kernel, rank = 2 * WIDTH, 8, 4, 4
    writer = gguf.GGUFWriter(str(file), "mamba")
    writer.add_context_length(2048)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(0)
    writer.add_block_count(LAYERS)
    writer.add_head_count(0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(states)
    writer.add_ssm_time_step_rank(rank)
    size = VOCABULARIES["bytes"](writer)
    random = np.random.default_rng(7)
    shapes = {"token_embd.weight": (size, WIDTH), "output_norm.weight": (WIDTH,)}
    for layer in range(LAYERS):
        parts = {
            "attn_norm.weight": (WIDTH,),
            "ssm_in.weight": (2 * inner, WIDTH),
            "ssm_conv1d.weight": (inner, kernel),
            "ssm_conv1d.bias": (inner,),
            "ssm_x.weight": (rank + 2 * states, inner),
            "ssm_dt.weight": (inner, rank),
            "ssm_dt.bias": (inner,),
            "ssm_a": (inner, states),
            "ssm_d": (inner,),
            "ssm_out.weight": (WIDTH, inner),
        }
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in parts.items()}
    for name, shape in shapes.items():
        values = random.normal(0.0, 0.3, shape).astype(np.float32)
        writer.add_tensor(name, -np.abs(values) if name.endswith("ssm_a") else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def save_looking_ahead(file: Path) -> Path:
    """A model whose last layer guesses the token after the next one (multi-token prediction), as GLM 4.5 has
    it."""
    experts, head = 2, WIDTH // HEADS
    writer = gguf.GGUFWriter(str(file), "glm4moe")
    writer.add_context_length(2048)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(WIDTH)
    writer.add_block_count(LAYERS + 1)
    writer.add_nextn_predict_layers(1)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_leading_dense_block_count(LAYERS)
    writer.add_expert_count(experts)
    writer.add_expert_used_count(1)
    writer.add_expert_shared_count(1)
    writer.add_expert_feed_forward_length(WIDTH)
    writer.add_expert_weights_scale(1.0)
    writer.add_expert_weights_norm(True)
    size = VOCABULARIES["sentencepiece"](writer)
    square, row = (WIDTH, WIDTH), (WIDTH,)
    fed = ("ffn_gate", "ffn_up", "ffn_down")
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (size, WIDTH), "output_norm.weight": row}
    shapes |= {"output.weight": (size, WIDTH)}
    for layer in range(LAYERS + 1):
        parts: dict[str, tuple[int, ...]] = {
            f"attn_{one}.weight": square for one in ("q", "k", "v", "output")
        }
        parts |= {f"attn_{one}.bias": row for one in "qkv"}
        parts |= {"attn_norm.weight": row, "post_attention_norm.weight": row}
        if layer < LAYERS:
            parts |= {f"{one}.weight": square for one in fed}
        else:
            parts |= {"ffn_gate_inp.weight": (experts, WIDTH), "exp_probs_b.bias": (experts,)}
            parts |= {f"{one}_exps.weight": (experts, *square) for one in fed}
            parts |= {f"{one}_shexp.weight": square for one in fed}
            parts |= {f"nextn.{one}.weight": row for one in ("enorm", "hnorm", "shared_head_norm")}
            parts |= {"nextn.eh_proj.weight": (WIDTH, 2 * WIDTH)}
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in parts.items()}
    random = np.random.default_rng(7)
    for name, shape in shapes.items():
        values = random.normal(1.0 if "norm" in name else 0.0, 0.1, shape)
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
