"""Python, the platform, cores and memory."""

import os
import platform
import sys
from collections.abc import Iterator

from ai_pal.cli.setup.doctor.finding import Finding, failed, ok, warn
from ai_pal.config import Settings

SMALLEST_PYTHON = (3, 11)
LITTLE_MEMORY = 1_000_000_000
"""Bytes; the starter model with its caches takes about a third of it."""


def check_machine(settings: Settings) -> Iterator[Finding]:
    """All checks of this file."""
    yield _python()
    yield _platform()
    yield _cores(settings)
    yield _memory()


def _python() -> Finding:
    text = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < SMALLEST_PYTHON:
        return failed("python", text, "install Python 3.11 or newer")
    return ok("python", text)


def _platform() -> Finding:
    text = f"{platform.system()} {platform.release()} {platform.machine()}"
    match sys.platform:
        case "linux":
            return ok("platform", text)
        case "darwin":
            return warn("platform", f"{text}: macOS is untested", "tell us what works and what does not")
        case _:
            return failed("platform", f"{text} is not supported", "use Linux, or WSL 2 on Windows")


def _cores(settings: Settings) -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = f"{settings.threads} threads per model" if settings.threads else "threads chosen by each worker"
    text = f"{usable} usable, {threads}, load {os.getloadavg()[0]:.1f}"
    if settings.threads > usable:
        mend = "lower `threads`: threads that wait for a core slow all others down"
        return warn("cores", text, mend)
    return ok("cores", text)


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    text = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB available"
    if memory.available < LITTLE_MEMORY:
        return warn("memory", text, "close something, or unload models: ai-pal unload --all")
    return ok("memory", text)
