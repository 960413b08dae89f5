"""One download: what is wanted, who follows it, how far it is."""

from collections import deque
from collections.abc import Callable

import msgspec

from ai_pal.protocol import client as wire
from ai_pal.protocol import egress as out

SURE_SECONDS, SURE_BYTES = 0.3, 256 * 1024
"""Less tells nothing about the speed: every repository begins with small files."""

SPEED_SECONDS = 5.0
"""The speed is that of the last seconds."""


class Plan(msgspec.Struct, frozen=True):
    """What a model reference means: here at `path`, or `wanted` into `cache`. `model` is its name, `why`
    says which variant was chosen and for what reason."""

    model: str
    cache: str = ""
    wanted: out.Wanted | None = None
    path: str = ""
    size: int = 0
    variant: str = ""
    why: str = ""
    commit: str = ""


PlanDownload = Callable[[str], Plan]
"""Looks a reference up. Raises `AiPalError` (`model_not_found`, `model_invalid`, ...)."""

Resume = Callable[[bytes, "wire.Chat | wire.Load"], None]
"""Goes on with a request whose model is here now."""


class Follower(msgspec.Struct, frozen=True):
    """A client that hears of a download; `then` is what it asked for, if that is more than a pull, `pip` what
    its environment says to pip."""

    client: bytes
    id: int
    then: wire.Chat | wire.Load | None = None
    pip: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def limit(self) -> int:
        """The bytes it agreed to, 0 for any number."""
        return self.then.pull_limit if self.then is not None else 0


class Download(msgspec.Struct, eq=False):
    """One download under way."""

    key: int
    plan: Plan
    followers: list[Follower] = msgspec.field(default_factory=list)
    pip: dict[str, str] = msgspec.field(default_factory=dict)
    done: int = 0
    total: int = 0
    steps: int = -1
    moved_at: float = 0.0
    attempts: int = 0
    sent: bool = False
    samples: deque[tuple[float, int]] = msgspec.field(default_factory=lambda: deque(maxlen=256))

    def moved(self, done: int, total: int, steps: int, now: float) -> None:
        self.done, self.total, self.steps, self.moved_at = done, total, steps, now
        self.samples.append((now, done))
        while len(self.samples) > 2 and now - self.samples[0][0] > SPEED_SECONDS:
            self.samples.popleft()

    @property
    def speed(self) -> float:
        """Bytes per second, 0 while it is not known."""
        if len(self.samples) < 2:
            return 0.0
        (since, before), (now, done) = self.samples[0], self.samples[-1]
        if now - since < SURE_SECONDS or done - before < SURE_BYTES:
            return 0.0
        return (done - before) / (now - since)

    @property
    def limit(self) -> int:
        """The bytes that somebody agreed to, 0 for any number."""
        limits = [follower.limit for follower in self.followers]
        return 0 if 0 in limits else max(limits, default=0)

    def event(self, request_id: int) -> wire.Pulling:
        speed = self.speed
        left = (self.total - self.done) / speed if speed and self.total else None
        name, why = self.plan.model, self.plan.why
        return wire.Pulling(request_id, name, self.done, self.total, speed, left, self.plan.variant, why)
