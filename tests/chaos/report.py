"""What a run of chaos saw: requests and their ends, times against their limits, what was left over."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec

from ai_pal.protocol import client as wire
from tests.chaos.tally import Tally
from tests.process.asked import Asked

MOST_SHOWN = 20


class Report:
    """`slack` multiplies the time limits: a machine that does other things too is no broken promise.

    `broken` says what was not as promised; a run is good when that is empty. `played` is how many rounds are
    over, where they are dealt to sites."""

    def __init__(self, name: str, seed: int, rounds: int, slack: float = 1.0) -> None:
        self.name, self.seed, self.rounds, self.slack = name, seed, rounds, slack
        self.requests = 0
        self.outcomes: Counter[str] = Counter()
        self.times: dict[str, list[float]] = defaultdict(list)
        self.limits: dict[str, float] = {}
        self.figures: dict[str, float] = {}
        self.orphans = 0
        self.broken: list[str] = []
        self.round = 0
        self.played: int | None = None
        self.tally = Tally()

    @property
    def good(self) -> bool:
        return not self.broken

    def expect(self, holds: object, claim: str) -> bool:
        """Note a broken promise unless it holds."""
        if not holds:
            self.broken.append(f"round {self.round}: {claim}")
        return bool(holds)

    def took(self, what: str, seconds: float, limit: float) -> None:
        """How long something took that may take `limit` seconds."""
        self.times[what].append(seconds)
        self.limits[what] = limit
        self.expect(seconds <= limit * self.slack, f"{what} took {seconds:.3f} s of {limit:g}")

    def ended(self, asked: Asked) -> None:
        """Count an answer that is over, and look at it: accepted and ended once, an exact prefix."""
        self.requests += 1
        self.outcomes[_outcome(asked)] += 1
        for claim in flaws(asked):
            self.expect(False, f"{asked.model}: {claim}")

    def add(self, other: "Report") -> None:
        """What was seen at another site; of each figure the largest."""
        self.requests += other.requests
        self.played = (self.played or 0) + (other.played or 0)
        self.orphans += other.orphans
        self.outcomes += other.outcomes
        for what, times in other.times.items():
            self.times[what] += times
        self.limits |= other.limits
        for what, value in other.figures.items():
            self.figures[what] = max(value, self.figures.get(what, value))
        self.broken += other.broken
        self.tally.add(other.tally)

    def text(self) -> str:
        """For people."""
        played = self.rounds if self.played is None else f"{self.played} of {self.rounds}"
        lines = [f"{self.name}: seed {self.seed}, {played} rounds, {self.requests} requests"]
        if self.outcomes:
            lines.append("  ends: " + ", ".join(f"{k} {v}" for k, v in self.outcomes.most_common()))
        for what, times in sorted(self.times.items()):
            lines.append(f"  {what}: {_spread(times)} (limit {self.limits[what]:g} s)")
        lines += [f"  {what}: {value:g}" for what, value in self.figures.items()]
        lines += [f"  {line}" for line in self.tally.lines()]
        lines.append(f"  orphans: {self.orphans}")
        lines += [f"  BROKEN {claim}" for claim in self.broken[:MOST_SHOWN]]
        lines.append(f"  {'good' if self.good else f'{len(self.broken)} promises broken'}")
        return "\n".join(lines)

    def json(self) -> bytes:
        """For scripts."""
        longest = {what: max(times) for what, times in self.times.items()}
        fields = {
            "name": self.name,
            "seed": self.seed,
            "rounds": self.rounds,
            "played": self.played,
            "requests": self.requests,
            "outcomes": self.outcomes,
            "longest": longest,
            "limits": self.limits,
            "figures": self.figures,
            "tally": self.tally.fields(),
            "orphans": self.orphans,
            "broken": self.broken,
        }
        return msgspec.json.encode(fields)


def flaws(asked: Asked) -> Iterator[str]:
    """What is wrong with the events of an answer."""
    events = asked.events
    ends = [event for event in events if isinstance(event, wire.TERMINAL)]
    accepted = sum(isinstance(event, wire.Accepted) for event in events)
    tokens = 0
    for delta in events:
        if isinstance(delta, wire.Delta):
            if delta.seq != tokens:
                yield f"a gap: {tokens} was next, {delta.seq} came"
            tokens = delta.seq + delta.n
    if not asked.is_prefix(tokens):
        yield f"the text is not what the engine said: {asked.text[-80:]!r}"
    if accepted > 1 or len(ends) > 1 or (ends and events[-1] is not ends[0]):
        yield f"accepted {accepted} times, ended {len(ends)} times"
    if ends and not accepted and not isinstance(ends[0], wire.Failed | wire.Cancelled):
        yield f"never accepted, but {ends[0]}"
    if ends and isinstance(ends[0], wire.Done) and tokens != asked.wanted:
        yield f"done after {tokens} of {asked.wanted} tokens"
    if ends and isinstance(ends[0], wire.Failed) and asked.text:
        yield "failed after it had said something"


def _outcome(asked: Asked) -> str:
    end = asked.end
    match end:
        case wire.Failed():
            return f"failed ({end.reasons[-1].code})"
        case wire.Interrupted():
            return f"interrupted ({end.reason.code})"
        case None:
            return str(asked.lost.code) if asked.lost else "no end"
        case _:
            return type(end).__name__.lower()


def _spread(times: list[float]) -> str:
    ordered = sorted(times)
    middle, late = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"median {middle:.3f}, p99 {late:.3f}, longest {ordered[-1]:.3f} s of {len(ordered)}"
