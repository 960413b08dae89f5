"""What a client is here, and what came of one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from scripts.client_runs.plans import Call, Plan

TASK = "Add a function double(x) that returns x * 2 to the end of sums.py. Change nothing else, then stop."
FILE = "sums.py"
BEFORE = "def add(a, b):\n    return a + b\n"
ADDED = "\n\ndef double(x):\n    return x * 2\n"
AFTER = BEFORE + ADDED
LAST = "    return a + b\n"
CHANGED = LAST + ADDED
"""`LAST` is replaced by it."""
WINDOW, MOST = 200_000, 8_000
"""Of the scripted model, in tokens."""
KEY = "none"


class Bundle(msgspec.Struct, frozen=True):
    """What is installed together into a folder of its own; `wants` are packages with their versions, as their
    registry writes them."""

    folder: str
    source: Literal["npm", "pip"]
    wants: tuple[str, ...]

    def version(self, package: str) -> str:
        """The one that is wanted."""
        mark = "@" if self.source == "npm" else "=="
        names = {
            name.partition("[")[0]: version
            for name, _, version in (one.rpartition(mark) for one in self.wants)
        }
        return names[package]


class Place(msgspec.Struct, frozen=True):
    """Where one run takes place: the folder of the installed client, a throw-away `home` and `work`, in which
    the file is, where AI-PAL listens, and the model that is asked for."""

    installed: Path
    home: Path
    work: Path
    url: str
    model: str

    @property
    def file(self) -> str:
        return str(self.work / FILE)


class Client(msgspec.Struct, frozen=True):
    """`package` of its bundle. `command` runs it; `files` are written into its home before, by their paths
    there. `edits`: it has to do the task; otherwise that it ends well is enough."""

    about: str
    bundle: Bundle
    package: str
    command: Callable[[Place], list[str]]
    plan: Callable[[Place], Plan]
    environ: Callable[[Place], Mapping[str, str]] = lambda _: {}
    files: Callable[[Place], Mapping[str, str]] = lambda _: {}
    seconds: float = 300.0
    edits: bool = True

    @property
    def version(self) -> str:
        return self.bundle.version(self.package)


def edited(place: Place, read: str, edit: str, path: str, old: str, new: str) -> Plan:
    """A look at the file, then a replacement, in an agent's own names for them."""
    at = {path: place.file}
    return Plan((Call(read, at), Call(edit, {**at, old: LAST, new: CHANGED})))


def node(place: Place, name: str) -> str:
    """A command that npm has installed."""
    return str(place.installed / "node_modules" / ".bin" / name)


class Row(msgspec.Struct, frozen=True):
    """`did` is what it asked by AI-PAL's own log, `heard` what came of that at the model; `why` is empty
    where all was well."""

    name: str
    version: str
    did: str
    seconds: float
    why: str
    heard: str = ""
