"""What a node is made of and has free, looked at on the node itself.

`python -P -m ai_pal.cluster.facts NODE` writes it as a line of JSON every second, until its stdin ends; an
engine that runs Python on nodes makes a `Facts` and calls `look`."""

import os
import select
import shutil
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ai_pal import __version__
from ai_pal.catalog.caches.cache import nearest
from ai_pal.catalog.weights.identity import identities
from ai_pal.cluster.engine import FACTS_SECONDS
from ai_pal.memory.cards import ENGINES
from ai_pal.memory.cards_here import CardsHere
from ai_pal.memory.devices import Devices
from ai_pal.memory.machine import MachineMemory
from ai_pal.protocol.cluster import Card, Node
from ai_pal.protocol.node_facts import FilesTold

MARK = "ai-pal-node "
"""How each line begins: login shells write to stdout too."""

FILES_SECONDS = 10.0
"""Between two walks over the model cache."""

FIRST_SECONDS = 20.0
"""What the first of them may take until the node is told of without its files."""


class Facts:
    """Looks at this machine under the name of a node. `cache` is its folder of models, `address` where other
    nodes reach it."""

    def __init__(self, node: str, cache: Path, address: str = "", cards: Devices | None = None) -> None:
        self._node, self._cache, self._address = node, cache, address
        self._cards = cards or CardsHere()
        self._memory = MachineMemory()
        self._total = self._memory.total()
        self._files, self._walked, self._patience = frozenset[str](), threading.Event(), FIRST_SECONDS
        threading.Thread(target=self._walk_always, name="files", daemon=True).start()

    def look(self) -> Node:
        """How it is now: some milliseconds, and the first time until its files are known."""
        self._walked.wait(self._patience)
        self._patience = 0.0
        seen = {engine: self._cards.look(engine) for engine in ENGINES}
        cards = tuple(Card(*one) for one in next(filter(None, seen.values()), []))
        return Node(
            self._node, self._memory.free(), self._total, len(os.sched_getaffinity(0)), cards, self._files,
            cache=str(self._cache), disk=self._disk(), pressure=round(self._memory.pressure()),
            computing=frozenset(engine for engine, found in seen.items() if found), address=self._address,
            version=__version__,
        )  # fmt: skip

    def _walk_always(self) -> None:
        """Know the files, as long as the process lives: on a slow disk a walk takes longer than facts may."""
        while True:
            self._files = frozenset(identities(self._cache))
            self._walked.set()
            time.sleep(FILES_SECONDS)

    def _disk(self) -> int | None:
        try:
            return shutil.disk_usage(nearest(self._cache)).free
        except OSError:
            return None


def own_address(environ: Mapping[str, str] = os.environ) -> str:
    """Where others reach this machine: where SSH has, else by its name. "" if that is nowhere."""
    words = environ.get("SSH_CONNECTION", "").split()  # who connected, from which port; to whom
    if len(words) == 4:
        return words[2]
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return ""


def main(node: str) -> int:
    """Tell it until stdin ends."""
    from ai_pal import catalog
    from ai_pal.config import load_settings

    facts, files = Facts(node, catalog.cache_dir(load_settings().settings), own_address()), FilesTold()
    sys.stdout.write("\n")  # a login shell may have written half a line
    while True:
        (told,) = files.shortened([facts.look()])
        sys.stdout.write(MARK + msgspec.json.encode(told).decode() + "\n")
        sys.stdout.flush()
        if select.select([0], [], [], FACTS_SECONDS)[0] and not os.read(0, 4096):
            return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
