"""Lets an engine's threads spin for each other only while they have the cores to themselves.

Beside any other work spinning takes the cores from the very thread that is waited for: decoding falls to a
fiftieth. libgomp does not spin while it manages more threads than there are cores (see GOMP_SPINCOUNT), so a
few more, which sleep, switch it off, and their end on again: no setting of it can be changed once it runs.
"""

import ctypes
import os
import threading
import time
from pathlib import Path

import msgspec

MAPS = Path("/proc/self/maps")

INTERVAL = 0.25
STARTS_ABOVE, ENDS_BELOW = 0.4, 0.2
"""Cores that others use beyond those the engine leaves free."""
STAT = Path("/proc/stat")
IDLE_FIELDS = (3, 4)


def prepare(spins: int) -> None:
    """Before libgomp is loaded into this process: wait `spins` turns before sleeping, and none at all when
    there are more threads than cores. What the user has set stays."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", str(spins))


class Sample(msgspec.Struct, frozen=True):
    """Seconds: when, the CPU time of everybody on our cores, and our own; how often we have rested."""

    at: float
    everybody: float
    own: float
    rests: int = 0


def crowded(before: Sample, after: Sample, spare: int, was: bool) -> bool:
    """Whether others compute on the cores that the engine wants; `spare` are those it does not want.

    What they did while it rested took nothing from it, and says nothing: then it is as it was."""
    if before.rests != after.rests:
        return was
    seconds = max(after.at - before.at, 1e-6)
    others = (after.everybody - before.everybody - (after.own - before.own)) / seconds
    return others - spare > (ENDS_BELOW if was else STARTS_ABOVE)


class SpinThrottle:
    """One watching thread, which sleeps while nothing is generated."""

    def __init__(self, threads: int) -> None:
        self._cores = sorted(os.sched_getaffinity(0))
        self._spare = max(0, len(self._cores) - threads)
        self._library = ctypes.CDLL(_loaded_library())
        self._working = threading.Event()
        self._rests = 0
        self._release: threading.Event | None = None
        threading.Thread(target=self._watch, name="spin throttle", daemon=True).start()

    def working(self, on: bool) -> None:
        """Tell whether anything is being generated."""
        if on:
            self._working.set()
        else:
            self._working.clear()
            self._rests += 1

    def _watch(self) -> None:
        while True:
            self._working.wait()
            before = _sample(self._cores, self._rests)
            time.sleep(INTERVAL)
            after = _sample(self._cores, self._rests)
            self._switch(crowded(before, after, self._spare, self._release is not None))

    def _switch(self, throttled: bool) -> None:
        if throttled and self._release is None:
            self._release = threading.Event()
            threading.Thread(target=self._hold, args=(self._release,), name="spin hold", daemon=True).start()
        elif not throttled and self._release is not None:
            self._release.set()
            self._release = None

    def _hold(self, release: threading.Event) -> None:
        """Own more libgomp threads than there are cores; they end with this thread."""
        harmless = ctypes.cast(ctypes.CDLL(None).getppid, ctypes.c_void_p)
        team = ctypes.c_uint(len(self._cores) + 1)
        self._library.GOMP_parallel(harmless, None, team, ctypes.c_uint(0))
        release.wait()


def _loaded_library() -> str:
    """The libgomp that the engine has brought: torch has one of its own."""
    paths = (line.split(maxsplit=5)[-1] for line in MAPS.read_text().splitlines())
    return next((path for path in paths if Path(path).name.startswith("libgomp")), "libgomp.so.1")


def _sample(cores: list[int], rests: int) -> Sample:
    lines = {line.split(" ", 1)[0]: line.split()[1:9] for line in STAT.read_text().splitlines()}
    ticks = 0
    for core in cores:
        fields = lines.get(f"cpu{core}", [])
        ticks += sum(int(value) for index, value in enumerate(fields) if index not in IDLE_FIELDS)
    return Sample(time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), time.process_time(), rests)


def start(threads: int) -> SpinThrottle | None:
    """None where it is of no use: one thread, or no libgomp or /proc."""
    if threads < 2 or not STAT.exists():
        return None
    try:
        return SpinThrottle(threads)
    except OSError:
        return None
