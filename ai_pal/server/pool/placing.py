"""Where the model of a load goes, before its memory is asked for: what is on a device needs none of the
host's, and idle models go for it. Part of the supervisor's reactor."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from ai_pal.errors import AiPalError
from ai_pal.memory import Evict, Refuse, Wait, gigabytes
from ai_pal.memory.devices import Devices
from ai_pal.memory.estimates import blocks_of
from ai_pal.memory.placement import HOST, Short, plan
from ai_pal.protocol.worker import Share
from ai_pal.server.pool.lifecycle import Phase
from ai_pal.server.pool.model_worker import ModelWorker

LOADED = (Phase.READY, Phase.DRAINING, Phase.STOPPING, Phase.KILLING)
"""From then on the device itself tells what a load has taken."""

GOING = (Phase.STOPPING, Phase.KILLING)


def place(
    worker: ModelWorker,
    workers: Iterable[ModelWorker],
    devices: Devices,
    evictable: Callable[[ModelWorker], bool],
) -> Refuse | Wait | Evict | None:
    """Decide anew where this worker's model goes: `worker.placement`, None where its engine computes on no
    device. Where not all of it fits that may, it waits for models that are going, and idle ones go if all
    of it fits then. Refused is what was asked for by name and does not fit there."""
    load = worker.resolved.load
    worker.placement = None
    seen = devices.look(load.engine)
    if not seen or load.vocabulary:
        return None
    blocks = None
    with contextlib.suppress(AiPalError, OSError, ValueError):  # the worker will say it better
        blocks = blocks_of(load)
    if blocks is None:
        return None
    others = [one for one in workers if one is not worker and (one.reserved or one.process is not None)]
    promised = _promised(others)
    every = len(blocks.loaded)
    most = min(load.gpu_layers, every) if load.gpu_layers > 0 else every

    def without(gone: Iterable[ModelWorker]) -> list[Share] | Short:
        back = _held(gone)
        left = [one._replace(free=max(0, one.free - promised[one.name] + back[one.name])) for one in seen]
        return plan(blocks, left, load.device, load.gpu_layers)

    planned = without(())
    if load.device != HOST and load.gpu_layers != 0 and _count(planned) < most:
        going = [one for one in others if one.state.phase in GOING and one.placement]
        if _count(without(going)) > _count(planned):
            return Wait(True, f"{worker.name} waits for a GPU that other models are giving back")
        ready = [one for one in others if one.placement and one.state.phase is Phase.READY]
        idle = [one for one in ready if evictable(one)]
        if victims := _fewest(idle, lambda gone: _count(without(gone)) >= most):
            names = tuple(one.name for one in victims)
            return Evict(names, f"{worker.name} has not enough room on the GPU beside them")
    if isinstance(planned, Short):
        if load.device not in ("", "cuda", *(one.name for one in seen)):
            return None  # there is no such device, which the worker says
        where = load.device or "the GPU"
        figures = f"{gigabytes(planned.need)} on {where}, {gigabytes(planned.free)} is free there"
        return Refuse(f"insufficient memory: {worker.name} needs {figures}", soon=bool(others))
    worker.placement = planned
    return None


def _count(planned: list[Share] | Short) -> int:
    """Blocks that are on devices."""
    return 0 if isinstance(planned, Short) else sum(share.blocks for share in planned)


def _fewest(
    idle: Iterable[ModelWorker], enough: Callable[[Sequence[ModelWorker]], bool]
) -> Sequence[ModelWorker]:
    """Least recently used first, as many as are enough, and none of them in vain; [] where all are not."""
    line = sorted(idle, key=lambda one: one.idle_since)
    victims = next((line[:count] for count in range(1, len(line) + 1) if enough(line[:count])), [])
    for one in reversed(victims[:-1]):  # the most recently used are spared first
        spared = [other for other in victims if other is not one]
        victims = spared if enough(spared) else victims
    return victims


def _held(gone: Iterable[ModelWorker]) -> Counter[str]:
    """Bytes by device that the end of these gives back, with what they were promised."""
    sums: Counter[str] = Counter()
    for one in gone:
        for share in one.placement or ():
            sums[share.device] += share.loaded + share.growth
    return sums


def _promised(others: Iterable[ModelWorker]) -> Counter[str]:
    """Bytes by device that these may still take."""
    sums: Counter[str] = Counter()
    for other in others:
        for share in other.placement or ():
            sums[share.device] += share.growth + (0 if other.state.phase in LOADED else share.loaded)
    return sums
