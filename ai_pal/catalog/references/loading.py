"""How a model is to be loaded where engines differ: by its options, its own settings, the general ones. Pure.

The general settings are for what they can hold for; by name, what an engine does not do is refused."""

import re
from typing import Any, get_args

from ai_pal.config import ModelSettings, Settings
from ai_pal.config.model_settings import DEVICES, MOST_LAYERS, MOST_SLOTS, MOST_THREADS
from ai_pal.errors import Code, fail
from ai_pal.protocol.option_rules import MOST_CONTEXT, KvCache
from ai_pal.protocol.options import GenerationOptions

COMPUTE = ("llamacpp", "transformers")
AUTO, HOST = "auto", "cpu"
NUMBERS = {"threads": (0, MOST_THREADS), "slots": (0, MOST_SLOTS), "context": (1, MOST_CONTEXT)}
"""Options that are whole numbers, with their bounds; 0 threads or slots are chosen for this machine."""
SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty")
"""What a model's table may say of its answers."""
OTHERWISE = "leave it out, or use the model as a GGUF file"


def check_numbers(options: dict[str, Any], code: Code = Code.MODEL_INVALID) -> None:
    """Raises `AiPalError` for an option of a reference that is no number, or none that can be."""
    for name, (least, most) in NUMBERS.items():
        value = options.get(name, least)
        if type(value) is not int or value < least:
            wanted = f"a whole number of {least} or more" if least else "a whole number"
            hint = f"write {name}={4096 if name == 'context' else 4}, or leave it out"
            fail(code, f"the model option {name}={value} is not {wanted}", hint)
        if value > most:
            hint = f"at most {most} can be asked for; left out, it is chosen"
            fail(code, f"the model option {name}={value} is more than {most}", hint)


def number(name: str, options: dict[str, Any], own: int | None, general: int) -> int:
    """One of `NUMBERS`: by the reference, else by the model's own settings, else by the general ones."""
    found: int = options.get(name, general if own is None else own)
    return found


def kv_cache(engine: str, options: dict[str, Any], own: ModelSettings, general: Settings) -> KvCache | None:
    """None leaves it to the engine. Raises `AiPalError` (`config_invalid`)."""
    asked = options.get("kv_cache", own.kv_cache)
    if asked is None:
        return general.kv_cache if engine == "llamacpp" else None
    if asked not in get_args(KvCache):
        hint = f"there are: {', '.join(get_args(KvCache))}"
        fail(Code.CONFIG_INVALID, f"there is no cache of the kind kv_cache={asked}", hint)
    if engine != "llamacpp":
        message = f"kv_cache={asked} is for llama.cpp: {engine} keeps the numbers that it computes in"
        fail(Code.CONFIG_INVALID, message, OTHERWISE)
    kept: KvCache = asked
    return kept


def device(engine: str, options: dict[str, Any], own: ModelSettings, general: Settings) -> str:
    """ "" leaves it to what fits. Raises `AiPalError` (`config_invalid`)."""
    asked = options.get("device", own.device)
    if asked is None:
        asked = general.device if engine in COMPUTE else AUTO
    if not re.match(DEVICES, str(asked)):
        fail(Code.CONFIG_INVALID, f"there is no device {asked!r}", "such as auto, cpu, cuda or cuda:0")
    if engine not in COMPUTE and asked not in (AUTO, HOST):
        fail(Code.CONFIG_INVALID, f"{engine} computes on no device {asked!r}", "leave device out")
    return "" if asked == AUTO else str(asked)


def gpu_layers(
    engine: str, options: dict[str, Any], own: ModelSettings, general: Settings, device: str
) -> int:
    """-1 leaves it to what fits. Raises `AiPalError` (`config_invalid`)."""
    asked = options.get("gpu_layers", own.gpu_layers)
    if asked is None:
        asked = general.gpu_layers if engine == "llamacpp" else -1
    if type(asked) is not int or not -1 <= asked <= MOST_LAYERS:
        hint = f"a whole number up to {MOST_LAYERS}; -1 is as many as fit"
        fail(Code.CONFIG_INVALID, f"the model option gpu_layers={asked} is no number of layers", hint)
    if engine != "llamacpp" and asked != -1:
        message = f"gpu_layers={asked} is for llama.cpp: {engine} puts no part of a model on a GPU"
        fail(Code.CONFIG_INVALID, message, OTHERWISE)
    if asked > 0 and device == HOST:
        message = f"gpu_layers={asked} and device={HOST} exclude each other"
        fail(Code.CONFIG_INVALID, message, "leave one of them out")
    return asked


def sampling(own: ModelSettings) -> GenerationOptions:
    """What its table says of answers whose request says nothing."""
    return GenerationOptions(**{name: getattr(own, name) for name in SAMPLING})
