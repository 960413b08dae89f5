"""What the real code of a simulated cluster costs: seconds of CPU, by what is done and in which process."""

import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import msgspec

T = TypeVar("T")


class Cost(msgspec.Struct):
    """`spent` and `longest` are seconds of CPU."""

    count: int = 0
    spent: float = 0.0
    longest: float = 0.0


class Key(NamedTuple):
    process: str
    what: str


class Meter:
    """Costs since the last `begin`, which was at this virtual second."""

    def __init__(self) -> None:
        self.costs: dict[Key, Cost] = {}
        self._since = 0.0

    def begin(self, now: float) -> None:
        self.costs, self._since = {}, now

    def run(self, process: str, what: str, call: Callable[[], T]) -> T:
        """Do it, and count what it takes."""
        begun = time.thread_time_ns()
        result = call()
        took = (time.thread_time_ns() - begun) / 1e9
        cost = self.costs.setdefault(Key(process, what), Cost())
        cost.count, cost.spent, cost.longest = cost.count + 1, cost.spent + took, max(cost.longest, took)
        return result

    def table(self, title: str, now: float) -> str:
        """For people: how often a virtual second, microseconds each, and the part of a core that is."""
        seconds = now - self._since
        lines = [f"{title}, {seconds:.1f} s of virtual time"]
        for process in sorted({key.process for key in self.costs}):
            mine = {key.what: cost for key, cost in self.costs.items() if key.process == process}
            spent = sum(cost.spent for cost in mine.values())
            lines.append(f"  {process}: {100 * spent / seconds:.0f} % of a core")
            for what, cost in sorted(mine.items(), key=lambda one: -one[1].spent):
                each, part = 1e6 * cost.spent / cost.count, 100 * cost.spent / seconds
                lines.append(
                    f"    {what}: {cost.count / seconds:,.0f} a second, {each:,.1f} us each, at most "
                    f"{1e3 * cost.longest:.1f} ms, {part:.1f} %"
                )
        return "\n".join(lines)
