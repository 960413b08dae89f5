"""Write a GGUF model as a Hugging Face folder: configuration, tokenizer, bf16 weights as safetensors.

    .venv/bin/python scripts/gguf_to_safetensors.py MODEL.gguf FOLDER

Does nothing when the folder is there. Several at once do the work once. Takes ten seconds for the starter.
"""

import argparse
import fcntl
import functools
import os
import shutil
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    convert_once(arguments.model, arguments.folder)


def convert_once(model_file: Path, folder: Path) -> None:
    """Convert, unless the folder is there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            part = folder.with_name(f".{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            convert(model_file, part)
            part.rename(folder)


def convert(model_file: Path, folder: Path) -> None:
    """Unpack the weights and save everything."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import gguf
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # transformers reads the file three times, and makes the names of all layers for each of them.
    for name in ("GGUFReader", "get_tensor_name_map"):
        setattr(gguf, name, functools.cache(getattr(gguf, name)))
    place = {"pretrained_model_name_or_path": model_file.parent, "gguf_file": model_file.name}
    tokenizer = AutoTokenizer.from_pretrained(**place)
    model = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.bfloat16)
    # Or it would be saved as a quantized model, which it no longer is.
    del model.config.quantization_config
    model.hf_quantizer = None
    model.is_quantized = False
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main()
