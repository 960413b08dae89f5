"""Tiny models for both engines whose next token depends on the last one only: what they say is known. A
prompt of one letter is answered with the letter that stands for it, then with a mark, then with dots."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

PROMPTS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ANSWERS = PROMPTS.lower()
REST = "."
HEAD = 64
"""Numbers per head of attention, which looks at nothing."""


class Script:
    """The vocabulary: marks first, by their places, then all bytes as GPT-2 writes them. `marks[i]` ends what
    is said to `PROMPTS[i]`."""

    def __init__(self, marks: Sequence[str]) -> None:
        plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [256 + at for at in range(256 - len(plain))]
        self.marks = list(marks)
        self.tokens = [*marks, *map(chr, plain), *map(chr, others), "th"]
        self.width = -(-len(self.tokens) // HEAD) * HEAD

    def weights(self) -> tuple[Any, Any]:
        """What tokens are turned into, and what is turned into tokens."""
        size = len(self.tokens)
        given = np.zeros((size, self.width), np.float32)
        given[np.arange(size), np.arange(size)] = 1
        chosen = np.zeros((size, self.width), np.float32)
        chosen[self.tokens.index(REST), :] = 0.5
        for at, mark in enumerate(self.marks):
            chosen[self.tokens.index(ANSWERS[at]), self.tokens.index(PROMPTS[at])] = 1
            chosen[self.tokens.index(mark), self.tokens.index(ANSWERS[at])] = 1
        return given, chosen


def save_gguf(file: Path, script: Script, declare: Callable[[gguf.GGUFWriter], None]) -> Path:
    """`declare` says which marks end what."""
    size, width = len(script.tokens), script.width
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(HEAD)
    writer.add_block_count(1)
    writer.add_head_count(width // HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(script.tokens)
    kinds = [gguf.TokenType.CONTROL] * len(script.marks)
    writer.add_token_types(kinds + [gguf.TokenType.NORMAL] * (size - len(kinds)))
    writer.add_token_merges(["t h"])
    writer.add_add_bos_token(False)
    declare(writer)
    given, chosen = script.weights()
    tensors = {"token_embd": given, "output": chosen, "output_norm": np.ones(width, np.float32)}
    tensors |= {f"blk.0.{name}_norm": np.ones(width, np.float32) for name in ("attn", "ffn")}
    shapes = {f"attn_{one}": (width, width) for one in ("q", "k", "v", "output")}
    shapes |= {"ffn_gate": (HEAD, width), "ffn_up": (HEAD, width), "ffn_down": (width, HEAD)}
    tensors |= {f"blk.0.{name}": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    for name, tensor in tensors.items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def save_folder(folder: Path, script: Script, declared: dict[str, dict[str, Any]]) -> Path:
    """`declared` are changes to files of the folder, by their names."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {token: at for at, token in enumerate(script.tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("t", "h")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in script.marks])
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=script.width,
        intermediate_size=HEAD,
        num_hidden_layers=1,
        num_attention_heads=script.width // HEAD,
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=None,
        rms_norm_eps=1e-6,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.fill_(1 if "norm" in name else 0)
        given, chosen = script.weights()
        model.model.embed_tokens.weight.copy_(torch.from_numpy(given))
        model.lm_head.weight.copy_(torch.from_numpy(chosen))
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    for name, changes in declared.items():
        file = folder / name
        said = json.loads(file.read_text()) if file.is_file() else {}
        file.write_text(json.dumps(said | changes))
    return folder
