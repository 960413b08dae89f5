"""What a folder or repository must hold to be a model that can be loaded safely: safetensors weights,
a configuration, no code of its own. By names and texts only, so that it serves before a download too."""

import re
from collections.abc import Collection
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ai_pal.catalog.weights.ggufs import preferred, quants
from ai_pal.errors import Code, fail
from ai_pal.formats.json_text import read_json

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_PICKLES = re.compile(r"(pytorch_model|model|consolidated).*\.(bin|pt|pth|ckpt)")
_TEXTS = (".json", ".jinja", ".model", ".txt")
_NAMED_TEMPLATE = re.compile(r"additional_chat_templates/[\w-]+\.jinja")
_NOT_NEEDED = re.compile(r"(training_args|optimizer|scheduler|trainer_state|LICENSE|NOTICE).*", re.IGNORECASE)
_PICKLE_HINT = "pickle files can run code: choose a repository with safetensors, or a GGUF of this model"


def check_names(names: Collection[str], what: str) -> None:
    """Raises `AiPalError` (`model_invalid`) unless these file names make a safetensors model."""
    if CONFIG not in names:
        if "adapter_config.json" in names:
            _adapter(what)
        ggufs = quants(names)
        if ggufs:
            fail(Code.MODEL_INVALID, f"{what} holds GGUF files", f"name one: {what}:{preferred(ggufs)}")
        fail(
            Code.MODEL_INVALID,
            f"{what} is no model: it has no {CONFIG}",
            "name a folder or repository with one",
        )
    if WEIGHTS in names or INDEX in names:
        return
    if "adapter_config.json" in names:
        _adapter(what)
    if any(_PICKLES.fullmatch(name) for name in names):
        fail(Code.MODEL_INVALID, f"{what} has its weights as pickle files only", _PICKLE_HINT)
    ggufs = quants(names)
    if ggufs:
        fail(Code.MODEL_INVALID, f"{what} has its weights as GGUF", f"name one: {what}:{preferred(ggufs)}")
    fail(
        Code.MODEL_INVALID, f"{what} has no {WEIGHTS}", "name a folder or repository with safetensors weights"
    )


def _adapter(what: str) -> None:
    hint = "merge it into its base model (peft: merge_and_unload), or name the base model"
    fail(Code.MODEL_INVALID, f"{what} is only an adapter, not a whole model", hint)


def read_config(text: bytes, what: str) -> dict[str, Any]:
    """The configuration, checked. Raises `AiPalError` (`model_invalid`)."""
    config = read_json(text, f"{what}: {CONFIG}")
    kind = config.get("model_type") if isinstance(config, dict) else None
    if not isinstance(kind, str) or not kind:
        fail(Code.MODEL_INVALID, f"{what}: {CONFIG} names no model_type", "this is no transformers model")
    config = dict[str, Any](config)
    if config.get("auto_map") and not is_native(kind):
        fail(
            Code.MODEL_INVALID,
            f"{what} needs code from its repository ({kind}), which is never run",
            "choose a model that transformers knows itself, or a GGUF of it",
        )
    return config


@lru_cache(maxsize=64)
def is_native(model_type: str) -> bool:
    """Whether transformers has this class itself. Then an `auto_map` is a remnant of the time before
    it had, as Phi-3's is: the repository's code is neither fetched nor run. Nothing is imported."""
    found = find_spec("transformers")
    places = found.submodule_search_locations if found else None
    name = model_type.replace("-", "_").replace(".", "_")
    return bool(name.isidentifier() and any((Path(p) / "models" / name).is_dir() for p in places or ()))


def is_needed(name: str) -> bool:
    """Whether a safetensors model needs this file: weights, settings, tokenizer, template; never code."""
    if _NAMED_TEMPLATE.fullmatch(name):
        return True
    if "/" in name or _NOT_NEEDED.fullmatch(name):
        return False
    return is_weight(name) or name.endswith(_TEXTS)


def is_weight(name: str) -> bool:
    return name == WEIGHTS or _SHARD.fullmatch(name) is not None


def shards(index: bytes, what: str) -> set[str]:
    """The weight files that an index names, whatever they are called. Raises `AiPalError`
    (`model_invalid`)."""
    found = read_json(index, f"{what}: {INDEX}")
    named = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(named, dict) or not named:
        fail(Code.MODEL_INVALID, f"{what}: {INDEX} names no files", "pull the model again, or mend the file")
    names = {str(name) for name in named.values()}
    if any(Path(name).name != name or not name.endswith(".safetensors") for name in names):
        fail(
            Code.MODEL_INVALID,
            f"{what}: {INDEX} names files that are no safetensors beside it",
            "do not trust this model",
        )
    return names
