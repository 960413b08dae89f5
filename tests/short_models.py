"""A model with its own words and few weights: it speaks nonsense, many times as fast. For tests of all that
does not lie in what a model knows."""

import json
import shutil
import struct
from pathlib import Path

from tests import tiny_models
from tests.split_gguf import with_layers

LAYERS = 2
WEIGHTS, CONFIG = "model.safetensors", "config.json"


def short_gguf(file: Path, into: Path) -> Path:
    """A GGUF file with its first layers only."""
    return with_layers(file, into, LAYERS)


def short_folder(folder: Path, into: Path) -> Path:
    """The same of a Hugging Face folder; what is no weight and no size stays the same file."""
    into.mkdir()
    for file in folder.iterdir():
        if file.name not in (WEIGHTS, CONFIG):
            (into / file.name).symlink_to(file)
    config = json.loads((folder / CONFIG).read_text()) | {"num_hidden_layers": LAYERS}
    (into / CONFIG).write_text(json.dumps(config))
    _write_first(folder / WEIGHTS, into / WEIGHTS)
    return into


def few_weights(folder: Path, into: Path) -> Path:
    """A Hugging Face folder with small random weights, always the same: all words are about as likely."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(7)
    config = AutoConfig.from_pretrained(folder)
    config.update({**tiny_models.SMALL, "num_hidden_layers": 1})
    AutoModelForCausalLM.from_config(config).save_pretrained(into)
    for file in folder.iterdir():
        if file.name not in (WEIGHTS, CONFIG):
            shutil.copy(file, into)
    return into


def _write_first(whole: Path, into: Path) -> None:
    """The tensors of the first layers, and those of none."""
    with whole.open("rb") as source, into.open("wb") as target:
        (length,) = struct.unpack("<Q", source.read(8))
        header, begin = json.loads(source.read(length)), 8 + length
        places: dict[str, tuple[int, int]] = {}
        written = 0
        for name, told in header.items():
            if name != "__metadata__" and _layer(name) < LAYERS:
                first, last = places[name] = told["data_offsets"]
                told["data_offsets"] = [written, written := written + last - first]
        kept = {name: told for name, told in header.items() if name in places or name == "__metadata__"}
        said = json.dumps(kept).encode()
        target.write(struct.pack("<Q", len(said)) + said)
        for first, last in places.values():
            source.seek(begin + first)
            target.write(source.read(last - first))


def _layer(name: str) -> int:
    words = name.split(".")
    return int(words[words.index("layers") + 1]) if "layers" in words else 0
