"""Write a BERT model that makes vectors, or ranks texts, as a GGUF file with 16-bit weights.

    .venv/bin/python scripts/bert_to_gguf.py FOLDER MODEL.gguf

A real model of its kind for llama.cpp. One that ranks is told all tokens to be of the same type there."""

import argparse
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors import safe_open

NORMAL, CONTROL = 1, 3
MEAN, RANK = 1, 4
HEAD = {"bert.pooler.dense": "cls", "classifier": "cls.output"}
"""What a model that ranks has behind its encoder, and how llama.cpp calls it."""
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
    ranks = config["architectures"] == ["BertForSequenceClassification"]
    writer.add_pooling_type(gguf.PoolingType(RANK if ranks else MEAN))
    _add_words(writer, folder, config)
    if ranks:  # [CLS] query [SEP] text [SEP], which llama.cpp would leave without its end
        writer.add_add_eos_token(True)
        writer.add_add_sep_token(False)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, config["num_hidden_layers"])
    with safe_open(str(folder / "model.safetensors"), framework="numpy") as tensors:
        for name in tensors.keys():  # noqa: SIM118 - it is no mapping
            base, _, kind_of = name.rpartition(".")
            if any(part in name for part in LEFT_OUT) and not (ranks and base in HEAD):
                continue
            kind = np.float32 if any(part in name for part in KEPT_WHOLE) else np.float16
            known = names.get_name(name.removeprefix("bert."), try_suffixes=(".weight", ".bias"))
            if ranks and base in HEAD:
                known = f"{HEAD[base]}.{kind_of}"
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
