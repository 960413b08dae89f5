"""Small random models of real classes, with tokenizers trained here, saved as Hugging Face folders."""

import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TEXT = [
    "The sea is deep and blue, and the ships sail far away.",
    "Ein Bär läuft über die Straße; ça va très bien, naïve façade.",
    "数字 are 1 2 3, and 你好 means hello. 🌊🚢 Привет!",
    "def add(a, b):\n    return a + b\n",
]
VOCABULARY = 400
SPECIAL = ["<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>", "<|end|>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
SIZES: dict[str, Any] = SMALL | {
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 2,
}


def byte_level() -> Tokenizer:
    """As GPT-2, Phi, Llama 3 and Qwen have it: every token is a run of bytes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _train(
        tokenizer,
        trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=alphabet),
    )
    return tokenizer


def sentencepiece() -> Tokenizer:
    """As Llama 2 and Phi-3 have it: spaces are part of words, rare characters are byte tokens."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    _train(
        tokenizer,
        trainers.BpeTrainer(
            vocab_size=len(SPECIAL) + 256 + 60, special_tokens=SPECIAL + BYTES, limit_alphabet=40
        ),
    )
    whole = json.loads(tokenizer.to_str())
    # The trainer can add the byte tokens only as special ones, which they are not.
    whole["added_tokens"] = [token for token in whole["added_tokens"] if token["content"] not in BYTES]
    return Tokenizer.from_str(json.dumps(whole))


def metaspace() -> Tokenizer:
    """As unigram models have it: the space in front of the first word is not text."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    _train(tokenizer, trainers.UnigramTrainer(vocab_size=150, special_tokens=SPECIAL, unk_token="<unk>"))
    return tokenizer


TOKENIZERS = {"byte_level": byte_level, "sentencepiece": sentencepiece, "metaspace": metaspace}


def _train(tokenizer: Tokenizer, trainer: Any) -> None:
    trainer.show_progress = False
    tokenizer.train_from_iterator(TEXT * 4, trainer)


def save(
    folder: Path,
    kind: str,
    template: str | None = TEMPLATE,
    marks: Sequence[str] = (),
    leave: Collection[str] = (),
    **changes: object,
) -> Path:
    """A model of class `kind` ("llama", "phi", "phi3", "gemma2", "mamba"), random but always the same.
    `marks` are tokens of their own that the tokenizer does not call special, as Qwen's are; sizes to `leave`
    are not said."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    tokenizer = (sentencepiece if kind == "phi3" else byte_level)()
    tokenizer.add_tokens([AddedToken(mark, special=False) for mark in marks])
    sizes = SIZES | {"vocab_size": tokenizer.get_vocab_size()}
    sizes |= ({"num_key_value_heads": 4} if kind == "phi" else {}) | changes
    torch.manual_seed(7)
    config = AutoConfig.for_model(kind, **{name: size for name, size in sizes.items() if name not in leave})
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.save_pretrained(folder)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    wrapped.chat_template = template
    wrapped.save_pretrained(folder)
    return folder


WORDS = [
    "the",
    "sea",
    "is",
    "deep",
    "and",
    "blue",
    "ships",
    "sail",
    "far",
    "away",
    "a",
    "cake",
    "with",
    "sugar",
]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def save_ranker(folder: Path) -> Path:
    """A BERT that says how well texts answer a query: random, and telling no query from a text, as llama.cpp
    cannot."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    folder.mkdir(parents=True, exist_ok=True)
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *LETTERS, *(f"##{one}" for one in LETTERS)]
    words = list(dict.fromkeys(known))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        num_labels=1,
        initializer_range=0.2,
    )
    model = BertForSequenceClassification(config)
    kinds = model.bert.embeddings.token_type_embeddings.weight.data
    kinds[1] = kinds[0]
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    return folder
