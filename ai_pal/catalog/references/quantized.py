"""Folders whose weights are quantized by a method that needs a library of its own."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ai_pal.catalog.known.entries import CATALOG
from ai_pal.catalog.weights import layout
from ai_pal.errors import Code, fail, pip_install
from ai_pal.formats.json_text import read_json
from ai_pal.protocol.wanted import HubFiles

PACKAGES: dict[str, tuple[str, ...]] = {
    "aqlm": ("aqlm",),
    "auto-round": ("auto-round",),
    "awq": ("gptqmodel",),
    "bitsandbytes": ("bitsandbytes",),
    "compressed-tensors": ("compressed-tensors",),
    "eetq": ("kernels",),
    "fp_quant": ("fp-quant",),
    "gptq": ("gptqmodel", "optimum"),
    "hqq": ("hqq",),
    "quanto": ("optimum-quanto",),
    "quark": ("amd-quark",),
    "spqr": ("spqr_quant",),
    "torchao": ("torchao",),
    "vptq": ("vptq",),
}
"""What transformers needs besides itself, by `quant_method`; fp8, mxfp4 and bitnet need nothing on a CPU."""
MODULES = {"optimum-quanto": "optimum.quanto", "amd-quark": "quark"}
"""Where the name of a package is not that of its module, with `_` for `-`."""
_METHOD = re.compile(
    r"[-_.](gptq|awq|fp8|mxfp4|nvfp4|bnb|int[48]|[48]bit|w\d+a\d+|quantized|autoround|hqq|gguf|instruct)\b.*",
    re.IGNORECASE,
)


def check_library(folder: Path, name: str) -> None:
    """Raises `AiPalError` (`engine_missing`) where the library is not here that the weights of this folder
    need; `name` is what the model is called."""
    config = read_json((folder / layout.CONFIG).read_bytes(), f"{folder}: {layout.CONFIG}")
    method = method_of(config)
    missing = [package for package in PACKAGES.get(method, ()) if not _is_here(package)]
    if not missing:
        return
    first, *more = missing
    hint = " ".join([f"run: {pip_install(first)}", *more])
    if there := gguf_of(name) or gguf_of(str(config.get("_name_or_path", ""))):
        hint += f"; or take the GGUF of it, which needs none: ai-pal pull {there}"
    needs = " and ".join(missing)
    fail(Code.ENGINE_MISSING, f"{name} is quantized ({method}), which needs {needs} to be installed", hint)


def method_of(config: Any) -> str:
    """How the weights are quantized; "" where they are not."""
    said = config.get("quantization_config") if isinstance(config, dict) else None
    if not isinstance(said, dict):
        return ""
    if said.get("load_in_4bit") or said.get("load_in_8bit"):
        return "bitsandbytes"
    return str(said.get("quant_method") or "")


def gguf_of(name: str) -> str:
    """What the catalog calls the GGUF of this repository or folder; "" where it has none."""
    stem = _stem(name)
    for entry in CATALOG.values():
        for wanted in (variant.wanted for variant in entry.variants):
            if stem and isinstance(wanted, HubFiles) and wanted.gguf and _stem(wanted.repo) == stem:
                return entry.name
    return ""


def _stem(name: str) -> str:
    """A repository's name without its owner and what it says of its form."""
    base = name.rstrip("/").rpartition("/")[2]
    return _METHOD.sub("", base).casefold()


def _is_here(package: str) -> bool:
    module = MODULES.get(package, package.replace("-", "_"))
    try:
        return find_spec(module) is not None
    except ImportError:  # what it is a part of is not here
        return False
