"""The estimates, corrected by the peaks of earlier runs; see `supervisor.ports.Footprints`."""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ai_pal.errors import AiPalError
from ai_pal.memory.estimates.estimate import estimate, unknown
from ai_pal.memory.estimates.footprint import Footprint
from ai_pal.protocol.windows import windows_of
from ai_pal.protocol.worker import LoadModel

MOST_KEPT = 256
WORTH_WRITING = 0.01
"""A smaller change of a peak is not written down."""
WORTH_READING = 0.05
"""And one of the speed."""
WILDEST = 2.0
"""A peak beyond this many times the estimate is a fault (a leak), not a need."""
GRAIN = 64 << 20


class Seen(msgspec.Struct, frozen=True):
    """Bytes: the peak of the last load, of that worker's life and of the one before; `resident` is what was
    left when that load was done (0: not known). `reads` is how many tokens of prompts it read in
    a second."""

    loaded: int
    peak: int
    before: int = 0
    resident: int = 0
    reads: float = 0.0


class LearnedFootprints:
    """Keeps what was seen in `file`, per model file, engine and settings."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._estimates: dict[str, Footprint] = {}
        self._stamp: tuple[int, ...] = ()
        self._seen: dict[str, Seen] = {}
        """What the file held when it had that stamp: others write it too."""

    def need(self, load: LoadModel) -> int:
        key = key_of(load)
        return needed(self._estimate(key, load), self._read().get(key))

    def headroom(self, load: LoadModel) -> int:
        key = key_of(load)
        return 0 if key in self._read() else self._estimate(key, load).headroom

    def reads(self, load: LoadModel) -> float:
        seen = self._read().get(key_of(load))
        return seen.reads if seen is not None else 0.0

    def learn(self, load: LoadModel, peak: int, *, resident: int = 0, reads: float = 0.0) -> None:
        key, seen = key_of(load), dict(self._read())
        old = seen.pop(key, None)
        new = updated(old, peak, resident=resident, reads=reads)
        if old is None or _differs(old, new):
            seen[key] = new
            self._write(dict(list(seen.items())[-MOST_KEPT:]))

    def _estimate(self, key: str, load: LoadModel) -> Footprint:
        if key not in self._estimates:
            try:
                self._estimates[key] = estimate(load)
            except (AiPalError, OSError, ValueError):
                self._estimates[key] = unknown(load)
        return self._estimates[key]

    def _read(self) -> Mapping[str, Seen]:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            found = self._file.stat()
            stamp = found.st_ino, found.st_size, found.st_mtime_ns
            if stamp != self._stamp:
                self._seen = msgspec.json.decode(self._file.read_bytes(), type=dict[str, Seen])
                self._stamp = stamp
            return self._seen
        return {}

    def _write(self, seen: dict[str, Seen]) -> None:
        """Whole or not at all; what cannot be written is estimated again."""
        with contextlib.suppress(OSError):
            handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)  # owner-only
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(msgspec.json.format(msgspec.json.encode(seen)))
                os.replace(name, self._file)
            except OSError:
                os.unlink(name)


def needed(estimated: Footprint, seen: Seen | None) -> int:
    """The estimate as a whole, or what was seen: the peaks, and what a load leaves with the growth that
    may come after it (a load that converts the weights has its peak before its end)."""
    if seen is None:
        return estimated.total
    grown = (seen.resident or seen.loaded) + estimated.growth
    bound = WILDEST * estimated.total + GRAIN
    return int(min(max(grown, seen.loaded, seen.peak, seen.before), bound))


def _differs(old: Seen, new: Seen) -> bool:
    """Whether that is worth to be written down."""
    bytes_ = abs(new.peak - old.peak) + abs(new.loaded - old.loaded)
    return bytes_ > WORTH_WRITING * old.peak or abs(new.reads - old.reads) > WORTH_READING * old.reads


def updated(old: Seen | None, peak: int, *, resident: int = 0, reads: float = 0.0) -> Seen:
    """What is known after this peak. A load (it has `resident`) begins a new life, and only the last one
    is remembered."""
    if resident or old is None:
        return Seen(peak, peak, old.peak if old else 0, resident, reads)
    return msgspec.structs.replace(old, peak=max(old.peak, peak), reads=reads)


def key_of(load: LoadModel) -> str:
    """One text per file, engine and settings that count for memory. Raises nothing: no file, no stamp."""
    stamp = ""
    with contextlib.suppress(OSError):
        status = os.stat(load.path)
        stamp = f"{status.st_size}-{status.st_mtime_ns}"
    options = " ".join(f"{name}={load.options[name]}" for name in sorted(load.options))
    sizes = f"context={load.context} slots={load.slots} threads={load.threads}"
    if load.kv_cache not in (None, "f16"):
        sizes += f" kv_cache={load.kv_cache}"
    if (windows := windows_of(load)) > 1:
        sizes += f" windows={windows}"
    if load.placement:
        sizes += "".join(f" {share.device}={share.blocks}" for share in load.placement)
    what = f"{load.engine} vocabulary" if load.vocabulary else load.engine
    return f"{what} {load.path or load.model} {stamp} {sizes} {options}".strip()
