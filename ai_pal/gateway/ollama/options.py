"""`options`, `format`, `think` and `keep_alive` of Ollama's requests. Pure."""

from typing import Any

import msgspec

from ai_pal.client.asking import Asking
from ai_pal.gateway import wishes
from ai_pal.gateway.bodies import BodyError
from ai_pal.protocol.options import JsonObject, JsonSchema, ResponseFormat

NAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "repeat_penalty": "repeat_penalty",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "num_ctx": "context",
    "num_predict": "max_tokens",
}

_OF_ENGINES = {
    **{name: name for name in ("repeat_last_n", "typical_p", "mirostat", "mirostat_tau", "mirostat_eta")},
    "num_keep": "n_keep",
}
"""What llama.cpp knows and we have no word for, and its own name for it: the engine takes or refuses it."""

_OF_LOADS = ("num_gpu", "num_thread", "num_batch", "main_gpu", "use_mmap", "use_mlock", "numa", "low_vram")
"""How a model is loaded is a setting here."""


class Common(msgspec.Struct, kw_only=True):
    """What chat and generate share."""

    model: str = ""
    stream: bool | None = None
    format: str | dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    keep_alive: str | float | None = None
    think: bool | str | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


def how(asked: Common) -> Asking:
    """How it is to be answered, as keywords of any client. Raises `BodyError`."""
    given = {name: value for name, value in (asked.options or {}).items() if value is not None}
    asking: dict[str, Any] = {ours: given[name] for name, ours in NAMES.items() if name in given}
    if asking.get("max_tokens", 0) in (-1, -2):  # without end, or as much as fits
        del asking["max_tokens"]
    if asking.get("context") == 0:
        del asking["context"]
    for name in _OF_LOADS:
        if name in given:
            raise BodyError(f"{name} cannot be chosen by a request", f"options.{name}", "leave it out")
    asking["stop"] = wishes.stops(_texts(given.get("stop")))
    asking["extra"] = {theirs: given[name] for name, theirs in _OF_ENGINES.items() if name in given} or None
    asking["model"] = asked.model
    asking["response_format"] = _form(asked.format)
    asking["thinking"] = wishes.thinking({"think": asked.think})
    asking["keep_alive"] = wishes.keep_alive(asked.keep_alive)
    asking["logprobs"] = (asked.top_logprobs or 0) if asked.logprobs else None
    return asking  # type: ignore[return-value]


def _texts(stop: Any) -> str | list[str] | None:
    if stop is None or isinstance(stop, str):
        return stop
    if isinstance(stop, list) and all(isinstance(one, str) for one in stop):
        return stop
    raise BodyError("stop takes texts", "options.stop")


def _form(given: str | dict[str, Any] | None) -> ResponseFormat | None:
    if given is None or given == "":
        return None
    if isinstance(given, dict):
        return JsonSchema(given)
    if given == "json":
        return JsonObject()
    raise BodyError(f"format is json or a schema, not {given!r}", "format")
