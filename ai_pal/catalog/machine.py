"""This machine, as far as the choice of a variant needs to know it."""

import os
from functools import lru_cache
from importlib.util import find_spec

from ai_pal.catalog.choose import Machine


def this_machine() -> Machine:
    """Free memory now, and the engines that are installed."""
    return Machine(free_memory(), installed())


def free_memory() -> int:
    """Bytes that a new process can have without swapping (MemAvailable where there is one)."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@lru_cache(maxsize=1)
def installed() -> frozenset[str]:
    """What variants may need. Nothing is imported: that takes seconds."""
    found = {"echo"}
    if find_spec("xllamacpp"):
        found.add("llamacpp")
    if find_spec("torch") and find_spec("transformers"):
        found.add("transformers")
        if find_spec("bitsandbytes") or find_spec("torchao"):
            found.add("quantize")
    return frozenset(found)
