"""Figures that are kept: the latest run of each measurement, with when and where it was."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ai_pal import __version__
from scripts.benchmarks.figures import Row
from scripts.benchmarks.parts import Chosen

FILE = Path("docs/measured.json")
"""From the root of the repository."""

CPU_INFO = Path("/proc/cpuinfo")


class Run(msgspec.Struct):
    """One measurement: `when` it ended, and how many `seconds` it took."""

    rows: list[Row]
    pairs: int
    seconds: float
    when: str
    version: str
    machine: str


Runs = dict[str, Run]
"""By `PART.NAME`."""


def run(rows: list[Row], pairs: int, seconds: float) -> Run:
    when = datetime.now(UTC).isoformat(timespec="minutes")
    return Run(rows, pairs, round(seconds), when, __version__, machine())


def load(file: Path) -> Runs:
    """What was kept so far."""
    return msgspec.json.decode(file.read_bytes(), type=Runs) if file.exists() else {}


def keep(file: Path, one: Chosen, found: Run) -> None:
    """Put a run in the place of the earlier one of the same measurement."""
    runs = load(file) | {f"{one.part}.{one.name}": found}
    ordered = dict(sorted(runs.items()))
    file.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")


def machine() -> str:
    """Cores and processor."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(os.sched_getaffinity(0))} cores, {names[0] if names else platform.processor()}"
