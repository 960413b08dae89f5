"""Model files by identity: what a node has, what it lacks, and from where it gets that. Pure.

A node that lacks a file reads it in a shared folder where it sees one, else pulls it itself, else gets it
from a node that has it. Each file comes to a node at most once at a time, and no node gives too many at once:
who has just got a file gives it on.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

import msgspec

GIVES = 2
"""To how many nodes one node gives files at a time: more of them share its line, and none gets on."""


class ModelFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of a model, known to the last bit. `place` is where it lies under a cache of models, and names
    its repository and revision (a commit), or the published file. `sha256` is empty where the hub tells none
    (small files); a file that is `published` can be pulled by whoever reaches the hub."""

    place: str
    size: int
    sha256: str = ""
    published: bool = True

    @property
    def identity(self) -> str:
        """Equal for equal files; as nodes tell it of what they have (`ai_pal.catalog.identity`)."""
        return f"{self.place}:{self.size}"

    @property
    def name(self) -> str:
        """For people."""
        return self.place.rpartition("/")[2]


class Holding(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a node has, by identities: `files` on a disk of its own, `shared` in a folder that it shares with
    others. `pulls` where it reaches the hub, `disk` are bytes that it can still keep. A `silent` one does
    not answer now."""

    files: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    pulls: bool = False
    disk: int = 0
    silent: bool = False

    def has(self, file: ModelFile) -> bool:
        return file.identity in self.files or file.identity in self.shared


class Way(StrEnum):
    PULL = "pull"
    PUSH = "push"


class Transfer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file on its way to a node: pulled by the node itself, or pushed from `giver`."""

    node: str
    file: ModelFile
    way: Way
    giver: str = ""


class Refused(msgspec.Struct, frozen=True):
    """A node does not get a file; `reason` is for people."""

    node: str
    file: ModelFile
    reason: str


class Transfers:
    """Decides which transfers begin. `want` what a model needs, `next` after every change, `ended` when a
    transfer has: it calls nobody and keeps no time."""

    def __init__(self, gives: int = GIVES) -> None:
        self._gives = gives
        self._wanted: dict[tuple[str, str], ModelFile] = {}
        self._running: dict[tuple[str, str], Transfer] = {}
        self._failed: dict[tuple[str, str], dict[tuple[Way, str], str]] = {}

    @property
    def running(self) -> Collection[Transfer]:
        return self._running.values()

    def want(self, node: str, files: Iterable[ModelFile]) -> None:
        """See to it that `node` gets these files; asked again while they come, nothing more happens. What
        failed before is tried anew."""
        for file in files:
            place = (node, file.identity)
            self._wanted[place] = file
            if place not in self._running:
                self._failed.pop(place, None)

    def next(self, nodes: Mapping[str, Holding]) -> list[Transfer | Refused]:
        """What begins now, and what cannot be had at all: `nodes` show what has arrived. A file that is
        wanted and in neither waits for a giver, or is there: `lacking` tells."""
        found: list[Transfer | Refused] = []
        busy = Counter(one.giver for one in self._running.values())
        coming = Counter[str]()
        for one in self._running.values():
            coming[one.node] += one.file.size
        givers: dict[str, list[str]] = {}
        for place, file in list(self._wanted.items()):
            node, identity = place
            holding = nodes.get(node, Holding(silent=True))
            if place in self._running:
                continue
            if holding.has(file):
                self._forget(place)
                continue
            if identity not in givers:
                givers[identity] = [name for name, one in nodes.items() if not one.silent and one.has(file)]
            step = self._step(node, file, holding, coming[node], givers[identity], busy)
            if isinstance(step, Transfer):
                self._running[place] = step
                busy[step.giver] += 1
                coming[node] += file.size
            elif step is not None:
                self._forget(place)
            if step is not None:
                found.append(step)
        return found

    def ended(self, transfer: Transfer, failure: str = "") -> None:
        """A transfer has ended, with `failure` if the file is not there: then another way is tried."""
        place = (transfer.node, transfer.file.identity)
        if self._running.get(place) != transfer:
            return
        del self._running[place]
        if failure:
            self._failed.setdefault(place, {})[transfer.way, transfer.giver] = failure
        else:
            self._forget(place)

    def lacking(self, node: str) -> list[ModelFile]:
        """What `node` is still to get."""
        return [file for (where, _), file in self._wanted.items() if where == node]

    def _forget(self, place: tuple[str, str]) -> None:
        self._wanted.pop(place, None)
        self._failed.pop(place, None)

    def _step(
        self, node: str, file: ModelFile, holding: Holding, coming: int, givers: list[str], busy: Counter[str]
    ) -> Transfer | Refused | None:
        if holding.silent:
            return Refused(node, file, f"{node} does not answer")
        if file.size > holding.disk - coming:
            room = f"{file.size / 1e9:.1f} GB, of {max(0, holding.disk - coming) / 1e9:.1f} GB free there"
            return Refused(node, file, f"{node} has no room on its disk for {file.name}: {room}")
        failed = self._failed.get((node, file.identity), {})
        if holding.pulls and file.published and (Way.PULL, "") not in failed:
            return Transfer(node, file, Way.PULL)
        left = [giver for giver in givers if (Way.PUSH, giver) not in failed]
        if not left or not file.sha256:  # what arrives has to be checked against something
            return Refused(node, file, _reason(node, file, failed))
        free = next((giver for giver in left if busy[giver] < self._gives), None)
        return Transfer(node, file, Way.PUSH, free) if free is not None else None


def _reason(node: str, file: ModelFile, failed: Mapping[tuple[Way, str], str]) -> str:
    if failed:
        return f"{node} does not get {file.name}: {'; '.join(failed.values())}"
    return f"{node} lacks {file.name}: it does not reach the hub, and no other node has it"
