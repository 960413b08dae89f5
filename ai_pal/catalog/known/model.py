"""What the catalog says about a model."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ai_pal.protocol.options import Ability, GenerationOptions
from ai_pal.protocol.wanted import Artifact, Wanted

WRITES: frozenset[Ability] = frozenset(
    {
        *("chat", "complete", "infill", "tools", "schema", "grammar", "thinking", "documents", "logprobs"),
    }
)
"""What a model that knows nothing but text can be asked for at most: it may do less."""

Strength = Literal["pictures", "tools", "thinking", "fill-in", "embeddings", "rerank"]
"""What its makers made a model for, beyond text."""


def made_for(strengths: Sequence[Strength]) -> str:
    """For people; `text` is what all can that turn texts into nothing else."""
    writes = not {"embeddings", "rerank"} & set(strengths)
    return ", ".join([*(["text"] if writes else []), *strengths])


_OF_STRENGTH: dict[Strength, frozenset[Ability]] = {
    "pictures": WRITES | {"images"},
    "embeddings": frozenset({"embed"}),
    "rerank": frozenset({"rerank"}),
}


def gguf_memory(size: int, cache: int) -> int:
    """Bytes while a GGUF of `size` bytes answers, with so many for its context. Weights are kept once more in
    the layout that computes fastest: at most half of them, measured."""
    return size * 3 // 2 + cache + 100_000_000


class Variant(msgspec.Struct, frozen=True):
    """One form of a model. `size` is bytes to download, `memory` bytes while it answers: figures from
    the published files, to choose by; what counts when it is loaded is read from the files themselves.
    `needs` names what must be installed, `options` go to the engine."""

    name: str
    engine: str
    wanted: Wanted | None = None
    size: int = 0
    memory: int = 0
    needs: tuple[str, ...] = ()
    options: dict[str, Any] = {}


class KnownModel(msgspec.Struct, frozen=True):
    """A catalog entry. `variants` in the order of preference; `parameters` counts weights, of which `active`
    take part in each token (0: all of them), `context` tokens;
    `chat_format` says how a conversation is written for it, `sampling` how it is sampled unless a request
    says otherwise; `strengths` are what its makers made it for. A `hidden` one can be named, but no list for
    users does."""

    name: str
    about: str
    variants: tuple[Variant, ...]
    licence: str = ""
    parameters: int = 0
    active: int = 0
    context: int = 0
    chat_format: str = "its tokenizer's template"
    gated: bool = False
    sampling: GenerationOptions = GenerationOptions()
    hidden: bool = False
    strengths: tuple[Strength, ...] = ()

    @property
    def abilities(self) -> frozenset[Ability] | None:
        """What it can be asked for at most, None where only its load tells. Engines hold any model to tools
        and schemas, whatever it was made for."""
        if self.engine == "echo":
            return None
        return next((_OF_STRENGTH[one] for one in self.strengths if one in _OF_STRENGTH), WRITES)

    @property
    def share(self) -> float:
        """The part of its weights that is read for each token."""
        return self.active / self.parameters if self.active and self.parameters else 1.0

    @property
    def chats(self) -> bool:
        """Whether it answers at all: not so one that makes vectors or scores of texts."""
        return self.abilities is None or "chat" in self.abilities

    @property
    def engine(self) -> str:
        return self.variants[0].engine

    @property
    def artifact(self) -> Artifact | None:
        """The file of the preferred variant, if that is a single known file."""
        wanted = self.variants[0].wanted
        return wanted if isinstance(wanted, Artifact) else None

    def variant(self, name: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.name == name.lower()), None)
