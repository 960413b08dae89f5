"""One download: what is wanted, who follows it, how far it is."""

from collections import deque
from collections.abc import Callable

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.wanted import Wanted
from ai_pal.server.backends.local import Follower
from ai_pal.server.jobs import Pull
from ai_pal.server.ports import Clients

SURE_SECONDS, SURE_BYTES = 0.3, 256 * 1024
"""Less tells nothing about the speed: every repository begins with small files."""

SPEED_SECONDS = 5.0
"""The speed is that of the last seconds."""


class Plan(msgspec.Struct, frozen=True):
    """What a model reference means: here at `path`, or `wanted` into `cache`. `model` is its name, `why`
    says which variant was chosen and for what reason."""

    model: str
    cache: str = ""
    wanted: Wanted | None = None
    path: str = ""
    size: int = 0
    variant: str = ""
    why: str = ""
    commit: str = ""


PlanDownload = Callable[[str], Plan]
"""Looks a reference up. Raises `AiPalError` (`model_not_found`, `model_invalid`, ...)."""


class ClientFollower(msgspec.Struct, frozen=True, eq=False):
    """A client that hears of a download. Implements `Follower`; `then` goes on with what it asked for, if
    that is more than a pull."""

    clients: Clients
    client: bytes
    id: int
    pull: Pull = Pull()
    then: Callable[[], None] | None = None

    def pulling(self, event: wire.Pulling) -> None:
        self.clients.send(self.client, msgspec.structs.replace(event, id=self.id))

    def here(self, event: wire.Pulled) -> None:
        if self.then is not None:
            self.then()
        else:
            self.clients.send(self.client, msgspec.structs.replace(event, id=self.id))

    def failed(self, failure: Failure) -> None:
        self.clients.send(self.client, wire.Failed(self.id, [failure]))


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
        limits = [follower.pull.limit for follower in self.followers]
        return 0 if 0 in limits else max(limits, default=0)

    @property
    def left(self) -> float | None:
        """Seconds until it is here at this speed, None while that is not known."""
        speed = self.speed
        return (self.total - self.done) / speed if speed and self.total else None

    @property
    def event(self) -> wire.Pulling:
        name, why = self.plan.model, self.plan.why
        return wire.Pulling(0, name, self.done, self.total, self.speed, self.left, self.plan.variant, why)

    @property
    def status(self) -> wire.DownloadStatus:
        return wire.DownloadStatus(
            self.plan.model,
            done=self.done,
            total=self.total,
            speed=self.speed,
            remaining=self.left,
            variant=self.plan.variant,
            followers=len(self.followers),
        )
