"""Devices with memory of their own, as loads are admitted to them."""

import os
from collections.abc import Mapping
from typing import NamedTuple, Protocol

NODES = ("/dev/nvidiactl", "/dev/dxg")
"""What NVIDIA's driver shows, on Linux and in WSL."""


class Device(NamedTuple):
    """`name` as settings have it, `cuda:0` the first that processes of ours see; bytes. `uuid` is its
    driver's name, the same for all processes."""

    name: str
    free: int
    total: int
    label: str = ""
    uuid: str = ""


class Devices(Protocol):
    """What the admission of loads needs to know of cards."""

    def look(self, engine: str) -> list[Device]:
        """Those that this engine's build can compute on, with what is free on them now."""


class CardsHere:
    """Implements `Devices`. The driver's library is asked when cards are first wanted, where there is a
    driver: a supervisor starts without. `environ` says which are visible."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._cards: Devices | None = None
        self._environ = environ

    def look(self, engine: str) -> list[Device]:
        if self._cards is None:
            if not any(os.path.exists(node) for node in NODES):
                return []
            from ai_pal.memory.cards import Cards

            self._cards = Cards(environ=self._environ)
        return self._cards.look(engine)
