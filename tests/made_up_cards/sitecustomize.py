"""Python imports this at its start where the folder is in its path: cards as the environment says."""

import os

from ai_pal.memory import cards_here
from ai_pal.memory.devices import Device

CARDS = [
    Device(f"cuda:{at}", int(size) * 10**9, int(size) * 10**9, "made up", uuid)
    for at, (uuid, _, size) in enumerate(
        one.partition(":") for one in os.environ.get("MADE_UP_CARDS", "").split(",") if one
    )
]


class MadeUp:
    """Implements `Devices`."""

    def __init__(self, environ: object = None) -> None: ...

    def look(self, engine: str) -> list[Device]:
        return CARDS if engine in os.environ.get("MADE_UP_ENGINES", "llamacpp").split(",") else []


cards_here.CardsHere = MadeUp  # type: ignore[assignment,misc]
