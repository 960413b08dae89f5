"""Where the blocks of a model go: as many as fit on devices with memory of their own, the rest on the host.
Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from ai_pal.memory.devices import Device
from ai_pal.protocol.worker import Share

HOST = "cpu"
ANY = ("", "cuda")
RESERVE = 768 << 20
"""Of a device: its context in the process, and what is computed with. Estimated; never measured."""


class Blocks(NamedTuple):
    """What of a model could lie on a device, in its order: bytes that each block takes when it is loaded, and
    what requests add to it. A `whole` model is on devices with all of them or with none."""

    loaded: tuple[int, ...]
    growth: tuple[int, ...]
    whole: bool = False

    @property
    def sizes(self) -> list[int]:
        return [loaded + growth for loaded, growth in zip(self.loaded, self.growth, strict=True)]


class Short(NamedTuple):
    """What was asked for by name does not fit: bytes that it needs, and that there are."""

    need: int
    free: int


def plan(blocks: Blocks, devices: Sequence[Device], device: str = "", count: int = -1) -> list[Share] | Short:
    """Where the last `count` blocks go (-1: as many as fit), on this `device` ("": on any). An empty list:
    the whole model is on the host. What nobody asked for by name goes there where it does not fit."""
    total = len(blocks.loaded)
    if device == HOST or count == 0 or not total:
        return []
    among = [one for one in devices if device in ANY or one.name == device]
    most = min(count, total) if count > 0 else total
    least = most if count > 0 or blocks.whole else 1
    for number in range(most, least - 1, -1):
        if shares := _laid(blocks, total - number, among):
            return shares
    if device or count > 0:
        return Short(sum(blocks.sizes[total - least :]), sum(_room(one) for one in among))
    return []


def _laid(blocks: Blocks, first: int, devices: Sequence[Device]) -> list[Share]:
    """The blocks from `first` on: on the one device with the most room if they fit there, else on one after
    the other. [] where they do not fit."""
    sizes = blocks.sizes
    widest = sorted(devices, key=_room, reverse=True)
    if widest and sum(sizes[first:]) <= _room(widest[0]):
        return [_share(blocks, widest[0], first, len(sizes))]
    ends = [first]
    for device in devices:
        at, room = ends[-1], _room(device)
        while at < len(sizes) and sizes[at] <= room:
            room -= sizes[at]
            at += 1
        ends.append(at)
    if ends[-1] < len(sizes):
        return []
    parts = zip(devices, pairwise(ends), strict=True)
    return [_share(blocks, device, begin, end) for device, (begin, end) in parts if end > begin]


def _share(blocks: Blocks, device: Device, begin: int, end: int) -> Share:
    return Share(device.name, end - begin, sum(blocks.loaded[begin:end]), sum(blocks.growth[begin:end]))


def _room(device: Device) -> int:
    return max(0, device.free - RESERVE)


def seen_alone(shares: Sequence[Share]) -> list[Share]:
    """These, as a process calls their devices that sees no others, in this order."""
    return [msgspec.structs.replace(share, device=f"cuda:{at}") for at, share in enumerate(shares)]
