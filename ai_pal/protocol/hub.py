"""What the hub says of models there: said to the supervisor by the egress process, and to clients."""

from typing import Literal

import msgspec

Order = Literal["downloads", "likes", "trending", "updated"]
"""What comes first."""

MOST_FOUND = 100
"""Models that one search can bring."""

MOST_WORDS = 200
"""Characters to search for."""


class HubModel(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model of the hub that an engine here can run. `name` is what `pull` takes, with the quantization
    where it is a GGUF. `size` are the bytes of its files, `memory` those while it answers, `parameters` its
    weights, 0 where the hub does not know. `gated`: its owner asks for consent first. `updated` is a date."""

    name: str
    engine: str
    size: int = 0
    memory: int = 0
    parameters: int = 0
    context: int = 0
    downloads: int = 0
    likes: int = 0
    licence: str = ""
    gated: bool = False
    task: str = ""
    updated: str = ""
    quants: list[str] = msgspec.field(default_factory=list)
