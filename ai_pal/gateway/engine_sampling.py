"""Ways to sample that engines know and we have no word for, and which values they may have: the same on each
door. The engine that is asked takes or refuses them. Pure."""

from typing import Annotated, Any

import msgspec

Positive = Annotated[float, msgspec.Meta(ge=0)]


class EngineSampling(msgspec.Struct, kw_only=True):
    """As llama.cpp calls them, and Ollama too. None says nothing."""

    repeat_last_n: Annotated[int, msgspec.Meta(ge=-1)] | None = None
    typical_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    mirostat: Annotated[int, msgspec.Meta(ge=0, le=2)] | None = None
    mirostat_tau: Positive | None = None
    mirostat_eta: Positive | None = None


NAMES = EngineSampling.__struct_fields__


def said_of(asked: EngineSampling) -> dict[str, Any]:
    """What is said, by its names."""
    return {name: value for name in NAMES if (value := getattr(asked, name)) is not None}
