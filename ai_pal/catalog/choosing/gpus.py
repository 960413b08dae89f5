"""The graphics card that llama.cpp computes on here, if its build can."""

import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from ai_pal.catalog.choosing.host import Gpu

SECONDS = 5.0
MIB = 1 << 20

BANDWIDTH = 250e9
"""Bytes a second that any card reads which is worth computing on; most read faster."""


@lru_cache(maxsize=1)
def usable_gpu() -> Gpu | None:
    """None where llama.cpp was built for the CPU, which the package's version tells (`+cu128`), or where no
    card answers."""
    try:
        built_for = version("xllamacpp").partition("+")[2]
    except PackageNotFoundError:
        return None
    if not built_for.startswith("cu"):
        return None
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return largest(said.stdout)


def largest(listed: str) -> Gpu | None:
    """The card with the most memory of those that nvidia-smi lists."""
    found = []
    for line in listed.splitlines():
        name, _, memory = line.rpartition(",")
        if name and memory.strip().isdigit():
            found.append(Gpu(name.strip(), int(memory) * MIB, BANDWIDTH))
    return max(found, key=lambda gpu: gpu.memory, default=None)
