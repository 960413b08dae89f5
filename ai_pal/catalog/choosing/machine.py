"""This machine, as far as the choice of a variant needs to know it."""

import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ai_pal.catalog.choosing.choose import Capacity
from ai_pal.catalog.choosing.host import REST
from ai_pal.config import Settings, paths
from ai_pal.memory import promises, room

if TYPE_CHECKING:
    from ai_pal.memory.machine import MachineMemory

GPUS = ("/dev/nvidiactl", "/dev/kfd")
"""What the drivers of NVIDIA and AMD show."""


def capacity_here(settings: Settings) -> Capacity:
    """Free memory now, and the engines that are installed."""
    return Capacity(free_memory(settings), installed())


def free_memory(settings: Settings) -> int:
    """Bytes that a load may have now, by the rule that it is admitted by: what the machine, the control
    groups and the budget leave, less what is promised to other loads."""
    claims = promises.published(paths.ledger_file())
    return max(0, room(_memory().free(), settings.memory_low, settings.memory_budget, claims))


def all_memory(settings: Settings) -> int:
    """Bytes that models could ever have here, and what is left to the system."""
    total = _memory().total()
    return min(total, int(settings.memory_budget / REST)) if settings.memory_budget else total


@lru_cache(maxsize=1)
def installed() -> frozenset[str]:
    """What variants may need. Nothing is imported: that takes seconds."""
    found = {"echo"}
    if find_spec("xllamacpp"):
        found.add("llamacpp")
    if find_spec("torch") and find_spec("transformers"):
        found.add("transformers")
        if find_spec("bitsandbytes") or _computes_on_cpu():
            found.add("quantize")
    return frozenset(found)


@lru_cache(maxsize=1)
def _memory() -> "MachineMemory":
    from ai_pal.memory.machine import MachineMemory

    return MachineMemory()


def _computes_on_cpu() -> bool:
    """Whether torch will take the CPU: then 8 and 4 bits are its own kernels."""
    if sys.platform != "linux":
        return False
    if not any(Path(device).exists() for device in GPUS):
        return True
    from importlib.metadata import version

    return version("torch").endswith("+cpu")
