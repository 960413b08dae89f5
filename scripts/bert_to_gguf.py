"""Write a BERT model of sentence-transformers as a GGUF file with 16-bit weights.

    .venv/bin/python scripts/bert_to_gguf.py FOLDER MODEL.gguf

For tests and measurements: a real model that turns texts into vectors, for llama.cpp.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors import safe_open

NORMAL, CONTROL = 1, 3
MEAN = 1
KEPT_WHOLE = ("bias", "LayerNorm", "position_embeddings", "token_type")
LEFT_OUT = ("position_ids", "pooler.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    convert(arguments.folder, arguments.file)


def convert(folder: Path, file: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    writer = gguf.GGUFWriter(str(file), "bert")
    writer.add_name(folder.name)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(value=False)
    writer.add_pooling_type(gguf.PoolingType(MEAN))
    _add_words(writer, folder, config)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, config["num_hidden_layers"])
    with safe_open(str(folder / "model.safetensors"), framework="numpy") as tensors:
        for name in tensors.keys():  # noqa: SIM118 - it is no mapping
            if any(part in name for part in LEFT_OUT):
                continue
            kind = np.float32 if any(part in name for part in KEPT_WHOLE) else np.float16
            known = names.get_name(name.removeprefix("bert."), try_suffixes=(".weight", ".bias"))
            writer.add_tensor(known, tensors.get_tensor(name).astype(kind))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_words(writer: Any, folder: Path, config: dict[str, Any]) -> None:
    """The vocabulary as llama.cpp wants it: what begins a word is marked, not what goes on with one."""
    words = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")[: config["vocab_size"]]
    special = {word for word in words if word.startswith("[") and word.endswith("]") and len(word) > 2}
    marked = [
        word if word in special else word[2:] if word.startswith("##") else f"▁{word}" for word in words
    ]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(marked)
    writer.add_token_types([CONTROL if word in special else NORMAL for word in words])
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_bos_token_id(words.index("[CLS]"))
    writer.add_eos_token_id(words.index("[SEP]"))
    writer.add_sep_token_id(words.index("[SEP]"))
    writer.add_unk_token_id(words.index("[UNK]"))
    writer.add_pad_token_id(words.index("[PAD]"))
    writer.add_mask_token_id(words.index("[MASK]"))


if __name__ == "__main__":
    main()
