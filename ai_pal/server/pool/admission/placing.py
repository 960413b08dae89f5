"""Where the model of a load goes on one machine, before its memory is asked for: what is on a device needs
none of the host's, and idle models go for it. Part of the supervisor's reactor."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ai_pal.errors import AiPalError
from ai_pal.memory import Evict, Refuse, Wait, fewest, gigabytes
from ai_pal.memory.devices import Device
from ai_pal.memory.estimates import blocks_of
from ai_pal.memory.placement import ANY, HOST, Blocks, Short, plan
from ai_pal.protocol.worker import Share
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.members.model_worker import ModelWorker

LOADED = (Phase.READY, Phase.DRAINING, Phase.STOPPING, Phase.KILLING)
"""From then on the device itself tells what a load has taken."""

GOING = (Phase.STOPPING, Phase.KILLING)


class Placed(NamedTuple):
    """What came of it: the `shares` of devices, None where the engine computes on none. Or `first` something
    else has to happen, and they are what it has then. `blocks` of the model are on devices then; `left` is
    what nobody has or was promised of these now."""

    shares: list[Share] | None = None
    first: Refuse | Wait | Evict | None = None
    blocks: int = 0
    left: Sequence[Device] = ()


def blocks_for(worker: ModelWorker) -> Blocks | None:
    """What of its model could lie on devices; None for nothing."""
    if worker.resolved.load.vocabulary:
        return None
    with contextlib.suppress(AiPalError, OSError, ValueError):  # the worker will say it better
        return blocks_of(worker.resolved.load)
    return None


def place(
    worker: ModelWorker,
    blocks: Blocks | None,
    workers: Iterable[ModelWorker],
    seen: Sequence[Device],
    evictable: Callable[[ModelWorker], bool],
) -> Placed:
    """Decide anew where this worker's model goes. Where not all of it fits that may, it waits for models that
    are going, and idle ones go if all of it fits then. Refused is what was asked for by name and does not
    fit there."""
    load = worker.resolved.load
    if not seen or blocks is None:
        return Placed()
    others = [one for one in workers if one is not worker and (one.reserved or one.process is not None)]
    taken = promised(others)
    every = len(blocks.loaded)
    most = min(load.gpu_layers, every) if load.gpu_layers > 0 else every

    def without(gone: Iterable[ModelWorker]) -> list[Share] | Short:
        return plan(blocks, _left(seen, taken, gone), load.device, load.gpu_layers)

    planned, now = without(()), _left(seen, taken)
    if load.device != HOST and load.gpu_layers != 0 and _count(planned) < most:
        going = [one for one in others if one.state.phase in GOING and one.placement]
        then = without(going)
        if not isinstance(then, Short) and _count(then) > _count(planned):
            waits = Wait(True, f"{worker.name} waits for a GPU that other models are giving back")
            return Placed(then, waits, _count(then), now)
        ready = [one for one in others if one.placement and one.state.phase is Phase.READY]
        idle = [one for one in ready if evictable(one)]
        line = sorted(idle, key=lambda one: one.idle_since)
        if victims := fewest(line, lambda gone: _count(without(gone)) >= most):
            names = tuple(one.name for one in victims)
            why = f"{worker.name} has not enough room on the GPU beside them"
            then = without(victims)
            return Placed(None if isinstance(then, Short) else then, Evict(names, why), most, now)
    if isinstance(planned, Short):
        if load.device not in (*ANY, *(one.name for one in seen)):
            return Placed(left=now)  # there is no such device, which the worker says
        where = load.device or "the GPU"
        figures = f"{gigabytes(planned.need)} on {where}, {gigabytes(planned.free)} is free there"
        refused = Refuse(f"insufficient memory: {worker.name} needs {figures}", soon=bool(others))
        return Placed(first=refused, left=now)
    return Placed(planned, None, _count(planned), now)


def _left(
    seen: Sequence[Device], promised: Mapping[str, int], gone: Iterable[ModelWorker] = ()
) -> list[Device]:
    """What nobody has taken of these devices or was promised, if some of the others were `gone`."""
    back = held(gone)
    return [one._replace(free=max(0, one.free - promised.get(one.name, 0) + back[one.name])) for one in seen]


def _count(planned: list[Share] | Short) -> int:
    """Blocks that are on devices."""
    return 0 if isinstance(planned, Short) else sum(share.blocks for share in planned)


def held(gone: Iterable[ModelWorker]) -> Counter[str]:
    """Bytes by device that the end of these gives back, with what they were promised."""
    sums: Counter[str] = Counter()
    for one in gone:
        for share in one.placement or ():
            sums[share.device] += share.loaded + share.growth
    return sums


def promised(others: Iterable[ModelWorker]) -> Counter[str]:
    """Bytes by device that these may still take."""
    sums: Counter[str] = Counter()
    for other in others:
        for share in other.placement or ():
            sums[share.device] += share.growth + (0 if other.state.phase in LOADED else share.loaded)
    return sums
