"""Adapters (LoRA): small weights that are added to those of a model, named as `FILE` or `FILE=SCALE`. Whether
one can belong to a model, as far as its front tells."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ai_pal.errors import Code, fail
from ai_pal.formats.gguf import ADAPTER, HINT, opened, parse, read_header
from ai_pal.formats.json_text import read_json

OPTION = "lora"
"""What models call them among their options."""
ENGINES = ("llamacpp", "transformers")
"""Those whose models take them."""
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
"""The files of one in the layout of peft."""
OTHER = "name an adapter that was made for this model"


class Adapter(NamedTuple):
    """The file, or in peft's layout the folder, and what its effect is multiplied with."""

    path: Path
    scale: float = 1.0

    @property
    def text(self) -> str:
        """One spelling of each: what is behind the last `=` is the scale if it is a number."""
        path = str(self.path)
        return path if self.scale == 1.0 and adapter_of(path).scale == 1.0 else f"{path}={self.scale:g}"

    @property
    def files(self) -> list[Path]:
        """What it is made of."""
        return [self.path / CONFIG, self.path / WEIGHTS] if self.path.is_dir() else [self.path]


def adapter_of(text: str) -> Adapter:
    """The adapter that is named so."""
    path, equals, scale = text.rpartition("=")
    try:
        if equals and path and math.isfinite(number := float(scale)):
            return Adapter(Path(path), number)
    except ValueError:
        pass
    return Adapter(Path(text))


def absolute(text: str, folder: str = "") -> str:
    """The same, to be read from any folder; `~` is one's own, and peft's layout is its folder."""
    adapter = adapter_of(text)
    path = Path(os.path.normpath(Path(folder or os.getcwd()) / adapter.path.expanduser()))
    return Adapter(path.parent if path.name in (CONFIG, WEIGHTS) else path, adapter.scale).text


def adapters_in(options: Mapping[str, Any]) -> list[Adapter]:
    """Those among the options of a model."""
    named = options.get(OPTION) or []
    return [adapter_of(str(one)) for one in (named if isinstance(named, list) else [named])]


def adapters_size(options: Mapping[str, Any]) -> int:
    """How many bytes their files have. Raises OSError."""
    return sum(file.stat().st_size for adapter in adapters_in(options) for file in adapter.files)


def check(options: Mapping[str, Any], engine: str, model: str) -> None:
    """Raises `AiPalError` (`model_invalid`, `unsupported`) for an adapter that cannot belong to this model;
    with an empty path only for what is none that its engine reads."""
    for adapter in adapters_in(options):
        if engine not in ENGINES:
            fail(Code.UNSUPPORTED, f"{engine} has no weights that an adapter could change", "leave lora out")
        if not adapter.path.is_absolute():
            _refuse(f"the adapter {adapter.path} is a relative path", "give the absolute path of the adapter")
        if not adapter.path.exists():
            _refuse(f"there is no adapter {adapter.path}", _correction(adapter.path))
        if engine == "llamacpp":
            _check_gguf(adapter.path, model)
        else:
            _check_folder(adapter.path)


def _correction(path: Path) -> str:
    """What to do about one that is not there."""
    file, equals, scale = str(path).rpartition("=")
    if equals and Path(file).exists():
        return f"what is behind the last = is how strong it is, a number and not {scale!r}"
    return "correct the path, or leave lora out"


def _check_gguf(path: Path, model: str) -> None:
    if path.is_dir():
        hint = "convert it with convert_lora_to_gguf.py of llama.cpp, or load the model with transformers"
        _refuse(f"{path} is a folder, and llama.cpp reads an adapter from a GGUF file", hint)
    with opened(path, OTHER) as (data, size):
        front = parse(data, size, whole=True)
    if front.refusal is not ADAPTER:
        what = front.refusal[0] if front.refusal else "a whole model"
        _refuse(f"{path} is {what}, not an adapter (LoRA)", OTHER)
    if max((-tensor.size for tensor in front.tensors), default=0) > 0:
        _refuse(f"{path} ends too early: it was cut off", HINT)
    mine = read_header(Path(model)).architecture if model else front.header.architecture
    if front.header.architecture != mine:
        message = f"{path} is an adapter for a model of the kind {front.header.architecture or 'unknown'}"
        _refuse(f"{message}, and {model} is of the kind {mine}", OTHER)


def _check_folder(path: Path) -> None:
    if not path.is_dir():
        hint = f"give a folder with {CONFIG} and {WEIGHTS}"
        _refuse(f"{path} is a file, and transformers reads an adapter from a folder in peft's layout", hint)
    if not (path / CONFIG).is_file():
        _refuse(f"{path} holds no adapter: it has no {CONFIG}", f"give a folder with {CONFIG} and {WEIGHTS}")
    try:
        read_json((path / CONFIG).read_bytes(), str(path / CONFIG))
    except OSError as error:
        _refuse(f"{path / CONFIG} cannot be read: {error}", "fetch the adapter again")
    if not (path / WEIGHTS).is_file():
        _refuse(f"{path} has no weights: no {WEIGHTS}", "use a version of the adapter with *.safetensors")


def _refuse(message: str, hint: str) -> None:
    fail(Code.MODEL_INVALID, message, hint)
