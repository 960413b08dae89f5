"""Ollama's `options` in a chat completion: its users send them to this route too. Pure."""

from typing import Any

from ai_pal.client.asking import Asking
from ai_pal.gateway.ollama.options import sampling_of
from ai_pal.gateway.wire.bodies import BodyError


def with_options(asking: Asking, options: dict[str, Any] | None) -> Asking:
    """What is asked, with what these say. Raises `BodyError`: they cannot be, or a field says otherwise."""
    if not options:
        return asking
    said = sampling_of(options)
    for name, ours in (("num_predict", "max_tokens"), ("num_ctx", "context")):
        if options.get(name) is not None and ours not in said and asking.get(ours) is not None:
            raise BodyError(f"options.{name} and the request say different things", "options")
    extra, more = asking.get("extra") or {}, said.pop("extra") or {}
    told = {name: value for name, value in said.items() if value not in (None, [])}
    for mine, theirs in ((asking, told), (extra, more)):
        for name, value in theirs.items():
            if mine.get(name) not in (None, [], value):
                raise BodyError(f"options and {name} say different things", "options")
    return {**asking, **told, "extra": {**extra, **more} or None}  # type: ignore[typeddict-item]
