"""Graphics cards with memory of their own, as NVIDIA's driver library tells of them. No process, no CUDA
context: a look takes well under a millisecond, and where there is no such library there are no cards."""

import contextlib
import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ai_pal.memory.devices import Device

LIBRARY = "libnvidia-ml.so.1"
BUILDS = {"llamacpp": ("xllamacpp", False), "transformers": ("torch", True)}
"""By engine, the package that computes, and whether its build without a mark in its version can use CUDA."""

PROGRAMS = ("vllm",)
"""Engines that are programs of this name: beside this Python, or in the path."""

ENGINES = (*BUILDS, *PROGRAMS)


class _Memory(ctypes.Structure):
    _fields_ = [
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    ]


class Cards:
    """Implements `Devices`."""

    def __init__(
        self, open_library: Callable[[str], Any] = ctypes.CDLL, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._visible = environ.get("CUDA_VISIBLE_DEVICES")
        self._library: Any = None
        with contextlib.suppress(OSError, AttributeError):
            library = open_library(LIBRARY)
            if library.nvmlInit_v2() == 0:
                self._library = library

    def look(self, engine: str) -> list[Device]:
        if self._library is None or not uses_cuda(engine):
            return []
        found = [self._device(f"cuda:{at}", handle) for at, handle in enumerate(self._handles())]
        return [device for device in found if device is not None]

    def _handles(self) -> list[ctypes.c_void_p]:
        """In the order of workers, who are told to count by the bus. Behind one that is not there no other
        is seen, as CUDA has it."""
        if self._visible is None:
            count = ctypes.c_uint()
            self._library.nvmlDeviceGetCount_v2(ctypes.byref(count))
            names = [str(at) for at in range(count.value)]
        else:
            names = [name.strip() for name in self._visible.split(",") if name.strip()]
        handles = []
        for name in names:
            handle = ctypes.c_void_p()
            if name.isdigit():
                code = self._library.nvmlDeviceGetHandleByIndex_v2(
                    ctypes.c_uint(int(name)), ctypes.byref(handle)
                )
            else:
                code = self._library.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle))
            if code != 0:
                break
            handles.append(handle)
        return handles

    def _device(self, name: str, handle: ctypes.c_void_p) -> Device | None:
        memory, label = _Memory(), ctypes.create_string_buffer(96)
        if self._library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) != 0:
            return None
        uuid = ctypes.create_string_buffer(96)
        self._library.nvmlDeviceGetName(handle, label, ctypes.c_uint(len(label)))
        self._library.nvmlDeviceGetUUID(handle, uuid, ctypes.c_uint(len(uuid)))
        called, known = (one.value.decode(errors="replace") for one in (label, uuid))
        return Device(name, int(memory.free), int(memory.total), called, known)


def uses_cuda(engine: str) -> bool:
    """Whether the library that this engine computes with was built for CUDA, by its version: `+cu128`. A
    program is taken to be."""
    if engine in PROGRAMS:
        beside, path = os.path.dirname(sys.executable), os.environ.get("PATH", "")
        return shutil.which(engine, path=os.pathsep.join((beside, path))) is not None
    package, unmarked = BUILDS.get(engine, ("", False))
    try:
        mark = version(package).partition("+")[2] if package else "cpu"
    except PackageNotFoundError:
        return False
    return mark.startswith("cu") if mark else unmarked
