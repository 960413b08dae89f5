"""`options`, `format`, `think` and `keep_alive` of Ollama's requests. Pure."""

from typing import Annotated, Any

import msgspec

from ai_pal.client.asking import Asking
from ai_pal.gateway.asking import wishes
from ai_pal.gateway.asking.engine_sampling import EngineSampling, said_of
from ai_pal.gateway.wire.bodies import BodyError, converted
from ai_pal.protocol.option_rules import objection_to_value
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

_HINTS: dict[str, type] = {
    **dict.fromkeys(("num_gpu", "main_gpu", "num_thread", "num_batch"), int),
    **dict.fromkeys(("use_mmap", "use_mlock", "numa", "low_vram"), bool),
}
"""Where and how fast a model computes, which changes no answer: AI-PAL plans that for all models together, so
these are looked at and have no meaning. What else nobody knows is passed over, as Ollama does."""

_FORMER = ("f16_kv", "logits_all", "vocab_only", "embedding_only", "tfs_z", "penalize_newline")
"""What older versions of Ollama had, and clients still send: it means nothing there either."""

KNOWN = frozenset({*NAMES, *EngineSampling.__struct_fields__, *_HINTS, *_FORMER, "num_keep", "stop"})
"""All that a Modelfile may set."""


class Common(msgspec.Struct, kw_only=True):
    """What chat and generate share."""

    model: str = ""
    stream: bool | None = None
    format: str | dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    keep_alive: str | float | None = None
    think: bool | str | None = None
    reasoning_effort: str | None = None
    chat_template_kwargs: wishes.TemplateKwargs | None = None
    truncate: bool | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None


def required(model: str) -> str:
    """The model that is named. Raises `BodyError`: none is, which the router decides on other doors."""
    if not model.strip():
        raise BodyError("model is required", "model", "name one, or auto")
    return model


def sampling_of(given: dict[str, Any], where: str = "options") -> dict[str, Any]:
    """`options`, or the `parameters` of a Modelfile, by our names. Raises `BodyError`."""
    given = as_go_reads(given)
    asking: dict[str, Any] = {ours: given[name] for name, ours in NAMES.items() if name in given}
    most = asking.get("max_tokens")
    if isinstance(most, int) and most <= 0:  # without end
        del asking["max_tokens"]
    if asking.get("context") == 0:
        del asking["context"]
    for name, ours in NAMES.items():
        if ours in asking and (why := objection_to_value(ours, asking[ours])):
            raise BodyError(why.replace(ours, name, 1), f"{where}.{name}")
    for name, kind in _HINTS.items():
        if type(given.get(name, kind())) is not kind:
            raise BodyError(f"{name} has to be of the type {kind.__name__}", f"{where}.{name}")
    asking["stop"] = wishes.stops(_texts(given.get("stop")))
    extra = said_of(converted(given, EngineSampling, where))
    if "num_keep" in given:
        extra["n_keep"] = _whole(given["num_keep"], f"{where}.num_keep")
    asking["extra"] = extra or None
    return asking


def how(asked: Common) -> Asking:
    """How it is to be answered, as keywords of any client. Raises `BodyError`."""
    asking = sampling_of(asked.options or {})
    asking["model"] = required(asked.model)
    asking["response_format"] = _form(asked.format)
    said = {"think": asked.think, "reasoning_effort": asked.reasoning_effort}
    asking["thinking"] = wishes.thinking(said | wishes.of_template(asked.chat_template_kwargs))
    asking["keep_alive"] = wishes.keep_alive(asked.keep_alive)
    asking["trim"] = None if asked.truncate is not False else False
    asking["logprobs"] = (asked.top_logprobs or 0) if asked.logprobs else None
    return asking  # type: ignore[return-value]


def as_go_reads(given: dict[str, Any]) -> dict[str, Any]:
    """What is said; null says nothing, and whole numbers may be written as 5.0, as some clients do."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in given.items()
        if value is not None
    }


def _whole(value: Any, where: str) -> int:
    if type(value) is not int:
        raise BodyError("this has to be a whole number", where)
    return value


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
