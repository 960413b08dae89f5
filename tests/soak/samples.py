"""What is measured while it soaks, and what of it must not rise."""

import time
from collections import Counter

import msgspec

from tests.chaos.laboratory import held
from tests.soak.plot import svg
from tests.soak.slope import Slope, slope

WARM_UP = 0.2
"""Of the time: buffers and caches find their size."""


class Measure(msgspec.Struct, frozen=True):
    """`most` is how much it may rise in an hour; what is less is not worth a name."""

    name: str
    most: float


SERIES = [
    Measure("supervisor memory (MB)", 6.0),
    Measure("worker memory (MB)", 100.0),
    Measure("descriptors", 2.0),
    Measure("sockets", 2.0),
    Measure("time to an answer (ms)", 40.0),
]


class Samples:
    """One row a second; `broken` says what went wrong with requests."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.seconds: list[float] = []
        self.rows: list[list[float]] = []
        self.ends: Counter[str] = Counter()
        self.broken: list[str] = []
        self.latency = 0.0

    def take(self, supervisor: int, worker_memory: int) -> None:
        now = held(supervisor)
        row = [now.memory / 1e6, worker_memory / 1e6, now.fds, now.sockets, self.latency * 1000]
        self.seconds.append(time.monotonic() - self._began)
        self.rows.append(row)

    def slopes(self) -> dict[str, Slope]:
        """How much each measure rises, the warm-up left out."""
        first = int(len(self.rows) * WARM_UP)
        columns = list(zip(*self.rows[first:], strict=True))
        times = self.seconds[first:]
        return {one.name: slope(times, values) for one, values in zip(SERIES, columns, strict=True)}

    @property
    def growing(self) -> list[str]:
        """What certainly rises by more than it may."""
        slopes = self.slopes()
        return [one.name for one in SERIES if slopes[one.name].least > one.most]

    @property
    def good(self) -> bool:
        return not self.broken and not self.growing

    def text(self) -> str:
        """For people."""
        lines = [f"{len(self.rows)} samples in {self.seconds[-1]:.0f} s"]
        lines.append("  ends: " + ", ".join(f"{name} {count}" for name, count in self.ends.most_common()))
        for measure, rise in zip(SERIES, self.slopes().values(), strict=True):
            values = [row[SERIES.index(measure)] for row in self.rows]
            range_ = f"{values[0]:.4g} at first, {values[-1]:.4g} at last, {max(values):.4g} at most"
            lines.append(
                f"  {measure.name}: {range_}; {rise.per_hour:+.3g} an hour, give or take {rise.error:.2g}"
            )
        lines += [f"  GROWS: {name}" for name in self.growing]
        lines += [f"  BROKEN: {claim}" for claim in self.broken[:20]]
        lines.append("  good" if self.good else "  not good")
        return "\n".join(lines)

    def picture(self) -> str:
        columns = zip(*self.rows, strict=True)
        return svg(
            self.seconds, {one.name: list(values) for one, values in zip(SERIES, columns, strict=True)}
        )
