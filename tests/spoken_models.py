"""Tiny models that say a known text: what comes next depends on the last token alone."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

NORMAL, CONTROL, USER = 1, 3, 4
HEAD = 64
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


class Script:
    """`marks` are tokens of their own, `special` ones such that are no text; `words` are whole tokens in a
    prompt, too. `says` is what comes behind `after`, token by token, and `end` what ends it; `said` are the
    numbers of those."""

    def __init__(
        self,
        says: Sequence[str],
        *,
        after: str,
        end: str = "</s>",
        special: Sequence[str] = (),
        marks: Sequence[str] = (),
        words: Sequence[str] = (),
    ) -> None:
        self.special = ["<unk>", "<s>", "</s>", *special]
        self.marks, self.end, self._merges = list(marks), end, list[tuple[str, str]]()
        self.tokens = [*self.special, *self.marks, *sorted(pre_tokenizers.ByteLevel.alphabet())]
        for word in words:
            for length in range(2, len(word) + 1):
                self._merges.append((word[: length - 1], word[length - 1]))
                self._number(word[:length])
        self._next: dict[int, int] = {}
        last = self.tokens.index(after) if after in self.tokens else self._number(after)
        self.said: list[int] = []
        for piece in [*says, end]:
            at = self._number(piece)
            self.said.append(at)
            assert self._next.setdefault(last, at) == at, f"{piece!r} comes behind what has another behind it"
            last = at

    def save_gguf(self, file: Path, template: str | None, bos: str = "") -> Path:
        """As llama.cpp reads it. `bos` is the token that begins a text, where templates do not say it."""
        writer, width = gguf.GGUFWriter(str(file), "llama"), self.width
        writer.add_context_length(2048)
        writer.add_embedding_length(width)
        writer.add_block_count(1)
        writer.add_feed_forward_length(32)
        writer.add_head_count(width // HEAD)
        writer.add_layer_norm_rms_eps(1e-6)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("gpt-2")
        writer.add_token_list(self.tokens)
        kinds = {**dict.fromkeys(self.special, CONTROL), **dict.fromkeys(self.marks, USER)}
        writer.add_token_types([kinds.get(token, NORMAL) for token in self.tokens])
        writer.add_token_merges([" ".join(pair) for pair in self._merges or [("a", "b")]])
        writer.add_bos_token_id(self.tokens.index(bos or "<s>"))
        writer.add_eos_token_id(self.tokens.index(self.end))
        writer.add_add_bos_token(False)
        if template is not None:
            writer.add_chat_template(template)
        embedded, output = self._weights()
        tensors = {"token_embd": embedded, "output": output, "output_norm": np.ones(width, np.float32)}
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"blk.0.{name}"] = np.ones(width, np.float32)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors[f"blk.0.{name}"] = np.zeros((width, width), np.float32)
        for name, shape in (("gate", (32, width)), ("up", (32, width)), ("down", (width, 32))):
            tensors[f"blk.0.ffn_{name}"] = np.zeros(shape, np.float32)
        for name, tensor in tensors.items():
            writer.add_tensor(f"{name}.weight", tensor)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return file

    def save_folder(self, folder: Path, template: str, bos: str = "") -> Path:
        """As transformers reads it."""
        import torch
        from transformers import LlamaForCausalLM

        model = LlamaForCausalLM(self._config())
        embedded, output = self._weights()
        with torch.no_grad():
            for name, weights in model.named_parameters():
                weights.fill_(1.0 if "norm" in name else 0.0)
            model.get_input_embeddings().weight.copy_(torch.tensor(embedded))
            model.get_output_embeddings().weight.copy_(torch.tensor(output))
        model.save_pretrained(folder)
        self.tokenizer(template, bos).save_pretrained(folder)
        return folder

    def tokenizer(self, template: str, bos: str = "") -> Any:
        """As transformers has it."""
        from transformers import PreTrainedTokenizerFast

        tokenizer = Tokenizer(
            models.BPE(vocab={token: at for at, token in enumerate(self.tokens)}, merges=self._merges)
        )
        tokenizer.pre_tokenizer, tokenizer.decoder = BYTES, decoders.ByteLevel()
        tokenizer.add_special_tokens(
            [AddedToken(one, special=True, normalized=False) for one in self.special]
        )
        tokenizer.add_tokens([AddedToken(one, special=False, normalized=False) for one in self.marks])
        whole = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, unk_token="<unk>", bos_token=bos or "<s>", eos_token=self.end
        )
        whole.chat_template = template
        return whole

    def _config(self) -> Any:
        from transformers import LlamaConfig

        sizes: dict[str, Any] = {"hidden_size": self.width, "intermediate_size": 32, "num_hidden_layers": 1}
        sizes |= {"num_attention_heads": self.width // HEAD, "head_dim": HEAD, "rms_norm_eps": 1e-6}
        return LlamaConfig(
            vocab_size=len(self.tokens),
            max_position_embeddings=2048,
            bos_token_id=1,
            eos_token_id=self.tokens.index(self.end),
            **sizes,
        )

    @property
    def width(self) -> int:
        return -(-len(self.tokens) // HEAD) * HEAD

    def _number(self, text: str) -> int:
        """The token of this text, which is made where there is none."""
        token = text if text in self.special or text in self.marks else _encoded(text)
        if token not in self.tokens:
            self.tokens.append(token)
        return self.tokens.index(token)

    def _weights(self) -> tuple[Any, Any]:
        """Each token is a direction of its own, and points to what comes behind it; all others to an x."""
        count = len(self.tokens)
        embedded, output = (np.zeros((count, self.width), np.float32) for _ in range(2))
        embedded[np.arange(count), np.arange(count)] = 1
        for token in range(count):
            output[self._next.get(token, self.tokens.index("x")), token] = 1
        return embedded, output


def _encoded(text: str) -> str:
    """The text as byte-level vocabularies write it."""
    return "".join(piece for piece, _ in BYTES.pre_tokenize_str(text))
