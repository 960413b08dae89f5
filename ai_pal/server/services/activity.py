"""What is open and what happens, for those who look on: told by the client endpoint and who observes."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import msgspec

from ai_pal.errors import main_reason
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Timings, Usage
from ai_pal.server.ports import Clock

NAME = 64
"""Characters of what a client calls itself."""

REMEMBERED = 20
"""Happenings that are told to who begins to look on."""

HAPPENS = {
    "model_evicted": "evicted",
    "load_waits": "waits",
    "load_refused": "refused",
    "model_failed": "failed",
    "direct_loading_failed": "attempt_failed",
    "attempt_failed": "attempt_failed",
    "pulled": "pulled",
    "pull_failed": "pull_failed",
    "pull_stopped": "pull_stopped",
}
"""What is told of what is observed."""

ABOUT_THE_MACHINE = ("model_evicted", "load_waits", "load_refused")
"""Those whose reason is of our own making: what servers and engines say may repeat a prompt."""

MOVES = frozenset({"worker_phase", "worker_exited", "pull_started", "spare_taken"})
"""After these models and downloads are not what they were."""


def key_of(client: bytes, request_id: int) -> str:
    """What a request is called where those of all clients are meant."""
    return f"{client.hex()}.{request_id}"


def place_of(key: str) -> tuple[bytes, int]:
    """The client and the id of a key; one that is none is that of no request."""
    client, _, number = key.partition(".")
    try:
        return bytes.fromhex(client), int(number)
    except ValueError:
        return b"", 0


class Computed(msgspec.Struct, frozen=True):
    """How far an answer is: `begun` when somebody computes it, `tokens` of it so far."""

    begun: bool = False
    tokens: int = 0


class Standing(msgspec.Struct, eq=False):
    """How one open request stands, as far as its client has been told. Pure."""

    client: bytes
    id: int
    kind: str
    program: str
    pid: int
    principal: str
    model: str
    asked_at: float
    phase: str = "asked"
    position: int = 0
    progress: float = 0.0
    tier: int = 0
    provider: str = ""
    remote: bool = False
    begun_at: float | None = None
    end: wire.Event | None = None

    @property
    def key(self) -> str:
        """By which those who look on know it."""
        return key_of(self.client, self.id)

    def take(self, event: wire.Event, now: float) -> bool:
        """Whether what its client is told changes how it stands."""
        match event:
            case wire.Accepted():
                self._enter("accepted")
            case wire.Queued():
                self._enter("queued", position=event.position)
            case wire.Loading():
                self._enter("waiting" if event.reason else "loading", event.progress)
                self.model = event.model
            case wire.Reading():
                self._enter("reading", event.done / event.total if event.total else 0.0)
            case wire.Pulling():
                self._enter("pulling", event.done / event.total if event.total else 0.0)
            case wire.Started():
                self._enter("answering")
                self.model, self.tier, self.provider = event.model, event.tier, event.provider
                self.remote = event.remote
                self.begun_at = now if self.begun_at is None else self.begun_at
            case _ if type(event) in wire.ENDING:
                self._enter(_end(event))
                self.end = event
            case _:
                return False
        return True

    def status(self, now: float, computed: Computed | None = None) -> wire.RequestStatus:
        computed = computed or Computed()
        usage: Usage = getattr(self.end, "usage", Usage())
        measured: Timings = getattr(self.end, "timings", Timings())
        tokens = max(usage.completion_tokens, computed.tokens)
        spent = 0.0 if self.begun_at is None else now - self.begun_at
        waits = self.phase in ("accepted", "queued", "loading")
        return wire.RequestStatus(
            key=self.key,
            kind=self.kind,
            phase="computing" if waits and computed.begun else self.phase,
            client=self.program,
            pid=self.pid,
            principal=self.principal,
            model=self.model,
            position=0 if computed.begun else self.position,
            progress=self.progress,
            tier=self.tier,
            provider=self.provider,
            remote=self.remote,
            seconds=now - self.asked_at,
            first_token=None if self.begun_at is None else self.begun_at - self.asked_at,
            tokens=tokens,
            tokens_per_second=measured.tokens_per_second or (tokens / spent if spent and tokens > 1 else 0.0),
            usage=usage,
            cost=getattr(self.end, "cost", 0.0),
            code=_code(self.end),
        )

    def _enter(self, phase: str, progress: float = 0.0, position: int = 0) -> None:
        self.phase, self.progress, self.position = phase, progress, position


class Onlooker(Protocol):
    """Who is told, as it happens."""

    def moved(self, standing: Standing) -> None:
        """A request stands otherwise than before, or has ended."""

    def happened(self, happening: wire.Happening) -> None: ...

    def look(self) -> None:
        """Models or downloads have changed."""


class Activity:
    """See the module. `onlooker` is None while nobody looks on: then only what is open and what happened last
    is kept. `stirred` is called before a request of a model is carried out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[Standing, None] = {}
        self._happenings: deque[tuple[float, wire.Happening]] = deque(maxlen=REMEMBERED)
        self._ended_at = clock.now()
        self.onlooker: Onlooker | None = None
        self.stirred: Callable[[], None] = lambda: None

    @property
    def idle_since(self) -> float | None:
        """Since when no request of a model is open; None while one is."""
        return None if self._open else self._ended_at

    @property
    def happenings(self) -> list[wire.Happening]:
        """What happened last, and how long ago."""
        now = self._clock.now()
        return [msgspec.structs.replace(what, seconds=now - then) for then, what in self._happenings]

    def __iter__(self) -> Iterator[Standing]:
        """The open requests, in the order in which they were asked."""
        return iter(list(self._open))

    # -- from the client endpoint --------------------------------------------------------------

    def asked(self, client: bytes, request: wire.Request, program: str, pid: int) -> Standing | None:
        """A request is taken; None: it uses no model."""
        model = getattr(request, "model", None)
        if model is None:
            return None
        request_id: int = getattr(request, "id", 0)
        standing = Standing(
            client=client,
            id=request_id,
            kind=str(request.__struct_config__.tag),
            program=program[:NAME],
            pid=pid,
            principal=getattr(request, "principal", ""),
            model=model,
            asked_at=self._clock.now(),
        )
        self._open[standing] = None
        self.stirred()
        self._moved(standing)
        return standing

    def told(self, standing: Standing, event: wire.Event) -> None:
        """Its client is told something that is no piece of an answer."""
        if isinstance(event, wire.Notice):
            self._happened(wire.Happening(event.kind, standing.model, standing.key))
        elif standing.take(event, self._clock.now()):
            if standing.end is not None:
                self._close(standing)
            self._moved(standing)

    def left(self, standing: Standing) -> None:
        """Its client is gone, and is told nothing any more."""
        if standing in self._open:
            self._close(standing)
            standing.take(wire.Cancelled(standing.id), self._clock.now())
            self._moved(standing)

    def _close(self, standing: Standing) -> None:
        self._open.pop(standing, None)
        self._ended_at = self._clock.now()

    # -- from all who observe ------------------------------------------------------------------

    def observed(self, event: str, fields: Mapping[str, object]) -> None:
        """What goes into the log, too."""
        if event == "worker_exited" and not fields.get("planned"):
            self._happened(wire.Happening("died", str(fields.get("model", ""))))
        if event in HAPPENS:
            reason = str(fields.get("reason", "")) if event in ABOUT_THE_MACHINE else ""
            told = wire.Happening(
                HAPPENS[event], str(fields.get("model", "")), code=str(fields.get("code", "")), reason=reason
            )
            self._happened(told)
        if self.onlooker is not None and (event in HAPPENS or event in MOVES):
            self.onlooker.look()

    def _moved(self, standing: Standing) -> None:
        if self.onlooker is not None:
            self.onlooker.moved(standing)

    def _happened(self, happening: wire.Happening) -> None:
        self._happenings.append((self._clock.now(), happening))
        if self.onlooker is not None:
            self.onlooker.happened(happening)


def _end(event: wire.Event) -> str:
    match event:
        case wire.Failed():
            return "failed"
        case wire.Interrupted():
            return "interrupted"
        case wire.Cancelled():
            return "cancelled"
    return "done"


def _code(event: wire.Event | None) -> str:
    match event:
        case wire.Failed(reasons=reasons):
            return str(main_reason(reasons).code)
        case wire.Interrupted(reason=reason):
            return str(reason.code)
    return ""
