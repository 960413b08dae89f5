"""`[models.NAME]`: settings of one model, and the limits that they share with the general ones."""

from typing import Annotated

import msgspec
from msgspec import Meta

from ai_pal.config.kinds import a_duration, a_path
from ai_pal.protocol.option_rules import MOST_CONTEXT, KvCache

MOST_THREADS = 512  # the limits of llama.cpp
MOST_SLOTS = 256
DEVICES = r"^(auto|cpu|mps|cuda(:[0-9]{1,2})?)\Z"
MOST_LAYERS = 10_000
MOST_REPLICAS = 64
MOST_NODES = 64


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out comes from the general settings."""

    path: Annotated[str, a_path("A GGUF file or a model folder: makes NAME a model of your own.")] | None = (
        None
    )
    model: (
        Annotated[
            str, Meta(min_length=1, description="Another model, such as `org/name`, that NAME stands for.")
        ]
        | None
    ) = None
    keep_alive: Annotated[float, a_duration("As `keep_alive`, for this model.")] | None = None
    threads: (
        Annotated[int, Meta(ge=0, le=MOST_THREADS, description="As `threads`, for this model.")] | None
    ) = None
    context: (
        Annotated[int, Meta(ge=0, le=MOST_CONTEXT, description="As `context`, for this model.")] | None
    ) = None
    slots: Annotated[int, Meta(ge=0, le=MOST_SLOTS, description="As `slots`, for this model.")] | None = None
    kv_cache: Annotated[KvCache, Meta(description="As `kv_cache`, for this model.")] | None = None
    device: Annotated[str, Meta(pattern=DEVICES, description="As `device`, for this model.")] | None = None
    gpu_layers: (
        Annotated[int, Meta(ge=-1, le=MOST_LAYERS, description="As `gpu_layers`, for this model.")] | None
    ) = None
    replicas: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MOST_REPLICAS,
                description="Processes of this model that share its requests, each with memory of its own.",
            ),
        ]
        | None
    ) = None
    max_replicas: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MOST_REPLICAS,
                description="Up to so many come where requests wait, and go when they are idle. "
                "As `replicas` if it is left out.",
            ),
        ]
        | None
    ) = None
    nodes: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MOST_NODES,
                description="Nodes of a cluster that the model is spread over, on the cards of all of them, "
                "by vLLM: docs/cluster.md.",
            ),
        ]
        | None
    ) = None
    pin: (
        Annotated[bool, Meta(description="Once loaded, it stays: only `ai-pal unload` takes it out.")] | None
    ) = None
    temperature: (
        Annotated[
            float, Meta(ge=0, description="Of answers whose request says none. Empty: as its makers say.")
        ]
        | None
    ) = None
    top_p: Annotated[float, Meta(ge=0, le=1, description="As `temperature`: from 0 to 1.")] | None = None
    top_k: Annotated[int, Meta(ge=-1, description="As `temperature`: 0 or -1 is all tokens.")] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1, description="As `temperature`: from 0 to 1.")] | None = None
    repeat_penalty: Annotated[float, Meta(gt=0, description="As `temperature`: 1 is none.")] | None = None

    @property
    def replica_bounds(self) -> tuple[int, int]:
        """How many processes the model has at least, while it is loaded, and at most."""
        least = self.replicas or 1
        return least, self.max_replicas or least
