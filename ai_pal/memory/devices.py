"""Devices with memory of their own, as loads are admitted to them."""

from typing import NamedTuple, Protocol


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
