"""What all doors understand alike: thinking, keep-alive, stop texts, however a client spells them. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ai_pal.config.durations import parse_duration
from ai_pal.gateway.wire.bodies import BodyError
from ai_pal.protocol.options import Thinking

_EFFORTS: dict[object, Thinking] = {
    False: "off",
    "none": "off",
    "off": "off",
    "disabled": "off",
    True: "on",
    "on": "on",
    "enabled": "on",
    "adaptive": "on",
    "auto": "on",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


def thinking(said: Mapping[str, Any]) -> Thinking | None:
    """Whether to think, by all fields that say so: values by their names, None says nothing. Raises
    `BodyError` for a value that means nothing, and for two that contradict each other."""
    found: dict[Thinking, str] = {}
    for name, value in said.items():
        if value is None:
            continue
        effort = _EFFORTS.get(value) if isinstance(value, str | bool) else None
        if effort is None:
            raise BodyError(f"{value!r} says nothing about thinking", name, "none, low, medium or high")
        found[effort] = name
    if "off" in found and len(found) > 1:
        raise BodyError(f"{' and '.join(found.values())} contradict each other", found["off"])
    if len(found) > 1:
        found.pop("on", None)
    if len(found) > 1:
        raise BodyError(f"{' and '.join(found.values())} contradict each other", next(iter(found.values())))
    return next(iter(found), None)


class TemplateKwargs(msgspec.Struct, forbid_unknown_fields=True):
    """What llama.cpp's and vLLM's clients have the template told."""

    enable_thinking: bool | None = None
    thinking: bool | None = None
    reasoning_effort: str | None = None


def of_template(kwargs: TemplateKwargs | None) -> dict[str, Any]:
    """What these say about thinking, by their names."""
    said = kwargs or TemplateKwargs()
    return {f"chat_template_kwargs.{name}": getattr(said, name) for name in said.__struct_fields__}


def keep_alive(value: str | float | None) -> float | None:
    """Seconds that a model stays loaded after its last request, as Ollama writes them: `10m`, `0`, `-1`."""
    if value is None or isinstance(value, int | float):
        return None if value is None else -1.0 if value < 0 else float(value)
    text = value.strip()
    if text.startswith("-"):
        return -1.0
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BodyError(str(error), "keep_alive") from None


def stops(value: str | list[str] | None) -> list[str]:
    """Stop texts as a list. Clients send a field of their settings that is empty, or what stands behind its
    last comma: nothing stops there."""
    if isinstance(value, str):
        return [value] if value else []
    return [text for text in value or [] if text] or value or []
