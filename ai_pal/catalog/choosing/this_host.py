"""The whole machine, for the choice of a model that is still to be fetched."""

import os
import shutil
from pathlib import Path

from ai_pal.catalog.caches.hub_cache import cache_dir
from ai_pal.catalog.choosing.gpus import usable_gpu
from ai_pal.catalog.choosing.host import Host
from ai_pal.catalog.choosing.machine import all_memory, installed
from ai_pal.config import Settings
from ai_pal.memory.bandwidth import measured


def this_host(settings: Settings) -> Host:
    """As it is now. Measures its memory for a moment."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    disk = free_disk(cache_dir(settings))
    return Host(all_memory(settings), cores, measured(cores), disk, installed(), usable_gpu())


def free_disk(folder: Path) -> int:
    """Bytes that are free where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
