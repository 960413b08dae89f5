"""A model reference made concrete: what a worker is told to load, and what else its owner has to know."""

import msgspec

from ai_pal.formats.adapters import OPTION
from ai_pal.protocol.client import KEPT_HERE
from ai_pal.protocol.worker import LoadModel

SPREAD = "vllm"
"""The engine of a model that is spread over several nodes."""

SIZES = ("threads", "context", "slots", "kv_cache", "device", "gpu_layers")
"""Options that are fields of `LoadModel` too."""


class Resolved(msgspec.Struct, frozen=True):
    """A model reference made concrete. `size` is bytes on disk, `keep_alive` the model's own setting;
    a `pinned` model stays until it is unloaded by request; `file` is where its path leads, links followed;
    `stamp` tells these very files from others that take their place, "" for a model without files. It has so
    many `replicas`, and where much is asked up to `most_replicas`. One that `stays` is for this machine
    where others run on nodes. It is spread over so many `nodes`."""

    load: LoadModel
    size: int = 0
    keep_alive: float | None = None
    pinned: bool = False
    file: str = ""
    stamp: str = ""
    replicas: int = 1
    most_replicas: int = 1
    stays: bool = False
    nodes: int = 1

    @property
    def name(self) -> str:
        """What its worker is called; of its replicas, the first."""
        name = f"{self.load.model} (vocabulary)" if self.load.vocabulary else self.load.model
        return f"{name}{KEPT_HERE}" if self.stays else name

    @property
    def kept_here(self) -> "Resolved":
        """The same on this machine alone."""
        load = msgspec.structs.replace(self.load, engine=self._alone)
        return msgspec.structs.replace(self, load=load, stays=True, replicas=1, most_replicas=1, nodes=1)

    @property
    def vocabulary(self) -> "Resolved":
        """The same without weights and adapters: it counts tokens, and goes when nobody does."""
        options = {name: value for name, value in self.load.options.items() if name != OPTION}
        load = msgspec.structs.replace(self.load, vocabulary=True, options=options, engine=self._alone)
        return msgspec.structs.replace(
            self, load=load, size=0, pinned=False, replicas=1, most_replicas=1, nodes=1
        )

    @property
    def _alone(self) -> str:
        """The engine that can have it on one machine."""
        return "transformers" if self.load.engine == SPREAD else self.load.engine

    def has_bounds_of(self, other: "Resolved") -> bool:
        """Whether it has as many replicas, at least and at most."""
        return self.replicas == other.replicas and self.most_replicas == other.most_replicas

    def is_like(self, other: "Resolved") -> bool:
        """Whether one worker can serve both: the same file, loaded in the same way."""
        same = self.stays == other.stays and self._as_loaded() == other._as_loaded()
        return bool(self.file) and same

    def is_replaced_by(self, other: "Resolved") -> bool:
        """Whether what was loaded is no longer what is there, or what the settings say by now of its name."""
        if self == other:  # as it is while nothing changes
            return False
        if self.name == other.name and self._as_loaded() != other._as_loaded():
            return True
        return bool(self.stamp and other.stamp) and self.stamp != other.stamp

    def _as_loaded(self) -> LoadModel:
        options = {name: value for name, value in self.load.options.items() if name not in SIZES}
        return msgspec.structs.replace(self.load, model="", path=self.file, options=options)
