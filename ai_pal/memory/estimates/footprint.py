"""What a model needs, in parts that are known at different times."""

from typing import Any

import msgspec

MIB = 1 << 20
OF_DEVICES = 300 * MIB
"""On the host, of a process that computes on a device: the driver and its libraries. Never measured."""


class Footprint(msgspec.Struct, frozen=True):
    """Bytes: resident when the load is done, and what requests up to a full window add. `headroom` is what
    many conversations may add to that: kept beginnings of others."""

    loaded: int
    growth: int = 0
    headroom: int = 0

    @property
    def total(self) -> int:
        return self.loaded + self.growth


def prompt_cache(options: dict[str, Any]) -> int:
    """What both engines keep of earlier conversations at most, in bytes. Raises `msgspec.ValidationError`."""
    return MIB * int(msgspec.convert(options.get("prompt_cache_mib", 256), int, strict=False))
