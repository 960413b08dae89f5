"""The cards of this machine: none where no driver shows any; its library is loaded when they are wanted."""

import os
from collections.abc import Mapping

from ai_pal.memory.devices import Device, Devices

NODES = ("/dev/nvidiactl", "/dev/dxg")
"""What NVIDIA's driver shows, on Linux and in WSL."""


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
