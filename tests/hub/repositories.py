"""Repositories for the loopback hub: small, made without torch, whole or hostile in one way each."""

import json
import struct
from collections.abc import Mapping
from random import Random

from tests.hub.loopback import Repo

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 8}
GGUF = b"GGUF" + Random(2).randbytes(3_000_000)


def safetensors(size: int, seed: int = 1) -> bytes:
    """A file of the format with one tensor of `size` bytes."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + Random(seed).randbytes(size)


def texts(config: Mapping[str, object] | None = None) -> dict[str, bytes]:
    return {
        "config.json": json.dumps(config or CONFIG).encode(),
        "tokenizer.json": b'{"version": "1.0"}',
        "tokenizer_config.json": b"{}",
        "README.md": b"# a model",
    }


def llama(size: int = 3_000_000) -> Repo:
    """A whole model in one weight file, with what some repositories have beside it."""
    extra = {"pytorch_model.bin": b"pickle" * 50_000, "onnx/model.onnx": b"x", "model.py": b"boom"}
    return Repo(texts() | {"model.safetensors": safetensors(size)} | extra)


def sharded() -> Repo:
    """A whole model in two weight files."""
    names = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    index = {"metadata": {}, "weight_map": {"a": names[0], "b": names[1]}}
    weights = {name: safetensors(400_000, n) for n, name in enumerate(names)}
    return Repo(texts() | {"model.safetensors.index.json": json.dumps(index).encode()} | weights)


def ggufs() -> Repo:
    """GGUF files in several quantizations."""
    return Repo({"tiny.Q4_K_M.gguf": GGUF, "tiny.Q8_0.gguf": GGUF + b"more", "README.md": b"# quants"})


def in_parts() -> Repo:
    """One GGUF in two files, which say so."""
    said = struct.pack("<Q", 11) + b"split.count" + struct.pack("<IH", 2, 2)
    begin = GGUF[:100] + said + GGUF[100 + len(said) :]
    return Repo({f"q/big.Q8_0-0000{n}-of-00002.gguf": begin[: 1_000_000 * n] for n in (1, 2)})


def with_code(model_type: str) -> Repo:
    """A repository whose configuration wants its own code to run."""
    config = {"model_type": model_type, "auto_map": {"AutoModelForCausalLM": "modeling_x.X"}}
    code = {"modeling_x.py": b"raise SystemExit('code of the repository ran')"}
    return Repo(texts(config) | {"model.safetensors": safetensors(200_000)} | code)


def pickle_only() -> Repo:
    return Repo(texts() | {"pytorch_model.bin": b"pickle" * 50_000})


def adapter() -> Repo:
    return Repo({"adapter_config.json": b"{}", "adapter_model.safetensors": safetensors(1000)})


def no_model() -> Repo:
    return Repo({"README.md": b"# a data set", "train.csv": b"1,2"})


def missing_shard() -> Repo:
    repo = sharded()
    del repo.files["model-00002-of-00002.safetensors"]
    return repo
