"""A model that is here in figures, as its files tell: for lists that programs read."""

import contextlib
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ai_pal.catalog.caches.hub_cache import facts_of
from ai_pal.catalog.inventory.strengths import strengths_of, template_of
from ai_pal.catalog.known.model import Strength
from ai_pal.catalog.references.finding import find
from ai_pal.catalog.references.resolve import resolve
from ai_pal.catalog.weights import own
from ai_pal.catalog.weights.abilities import abilities_of
from ai_pal.catalog.weights.ggufs import quant
from ai_pal.catalog.weights.layout import CONFIG
from ai_pal.config import Settings
from ai_pal.errors import AiPalError
from ai_pal.formats.ggml_types import FILE_TYPES
from ai_pal.formats.gguf import read_header
from ai_pal.formats.json_text import read_json
from ai_pal.memory.estimates import window_of
from ai_pal.memory.estimates.window import window
from ai_pal.protocol.options import Ability, GenerationOptions
from ai_pal.protocol.worker import LoadModel

_DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}


class Details(msgspec.Struct, frozen=True):
    """`context` is the window that a load gets, in tokens, 0 for not known before it; `parameters` counts
    weights, `width` the numbers that it has for a token, 0 for not known; `quantization` is how weights are
    stored, as its makers call it; `modified` is in seconds since the
    epoch; `able` is None where only a load tells. `file` is the GGUF that it is loaded from, on this machine,
    and `mmproj` what names the file that it sees with."""

    model: str = ""
    format: str = ""
    architecture: str = ""
    basename: str = ""
    quantization: str = ""
    parameters: int = 0
    width: int = 0
    context: int = 0
    modified: float = 0.0
    licence: str = ""
    template: str = ""
    able: frozenset[Ability] | None = None
    strengths: tuple[Strength, ...] = ()
    sampling: GenerationOptions = GenerationOptions()
    file: str = ""
    mmproj: str = ""


def details_of(reference: str, settings: Settings) -> Details:
    """Raises `AiPalError`: it is not here, or cannot be loaded."""
    load, found = resolve(reference, settings), find(reference, settings)
    entry, said = found.entry, facts_of(found.path, found.commit)
    seen = window(load.context, entry.context) if entry and entry.context else None
    read, modified, template, able = _Read("", load.engine, found.name), 0.0, "", None
    with contextlib.suppress(AiPalError, OSError, ValueError):
        seen = window_of(load) or seen
        able = (entry.abilities if entry else None) or abilities_of(load)
        if load.path:
            modified = Path(load.path).stat().st_mtime
            read = _read(load, modified)
            template = template_of(load)
    return Details(
        model=load.model,
        format=read.format,
        architecture=read.architecture,
        basename=read.basename or found.name,
        quantization=read.quantization,
        parameters=said.parameters or (entry.parameters if entry else 0) or read.parameters,
        width=read.width,
        context=seen.tokens if seen else 0,
        modified=modified,
        licence=said.licence or (entry.licence if entry else ""),
        template=template,
        able=able,
        strengths=strengths_of(load, entry) if load.path else (),
        sampling=load.sampling,
        file=load.path if read.format == "gguf" else "",
        mmproj=str(load.options.get("mmproj", "")),
    )


class _Read(NamedTuple):
    format: str
    architecture: str
    basename: str
    quantization: str = ""
    parameters: int = 0
    width: int = 0


def _read(load: LoadModel, modified: float) -> _Read:
    return (_of_gguf if load.engine == "llamacpp" else _of_folder)(load.path, modified)


@lru_cache(maxsize=256)
def _of_gguf(path: str, _modified: float) -> _Read:
    header = read_header(Path(path))
    stored = quant(path).upper() or FILE_TYPES.get(header.file_type, "")
    called = header.basename or header.name
    return _Read("gguf", header.architecture, called, stored, own.parameters(path), header.width)


@lru_cache(maxsize=256)
def _of_folder(path: str, _modified: float) -> _Read:
    config = read_json((Path(path) / CONFIG).read_bytes(), f"{path}: {CONFIG}")
    facts: dict[str, Any] = config if isinstance(config, dict) else {}
    parameters = 0
    with contextlib.suppress(AiPalError, OSError, ValueError):  # weights of another format than safetensors
        parameters = own.parameters(path)
    basename = str(facts.get("_name_or_path", "")).rpartition("/")[2]
    kind, width = str(facts.get("model_type", "")), facts.get("hidden_size")
    width = width if isinstance(width, int) else 0
    return _Read("safetensors", kind, basename, _stored(facts), parameters, width)


def _stored(config: dict[str, Any]) -> str:
    packed = config.get("quantization_config")
    if isinstance(packed, dict) and packed.get("quant_method"):
        bits = packed.get("bits") or (4 if packed.get("load_in_4bit") else "")
        return f"{packed['quant_method']}{f'-{bits}' if bits else ''}".upper()
    return _DTYPES.get(str(config.get("dtype") or config.get("torch_dtype") or ""), "")
