"""What the hub says of models there: said to the supervisor by the egress process, and to clients."""

from typing import Literal

import msgspec

from ai_pal.errors import Failure

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


MOST_REFERENCES = 100
"""Repositories that can be asked about at once."""


class HubFile(msgspec.Struct, frozen=True):
    """A file of a repository. `digest` is the SHA-256 of a large one, else its git hash."""

    name: str
    size: int
    digest: str


class HubRevision(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the hub has now under a `reference` (`org/name`, `org/name@revision`): its commit, and the files
    that a model is made of; or why that is not known."""

    reference: str
    commit: str = ""
    updated: str = ""
    files: list[HubFile] = msgspec.field(default_factory=list)
    failure: Failure | None = None
