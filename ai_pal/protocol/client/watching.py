"""What those hear who look on: a picture of now, then what changes. Numbers and names, no words."""

import msgspec

from ai_pal.protocol.client.answers import Event
from ai_pal.protocol.client.requests import Request
from ai_pal.protocol.client.status import Gateway, NodeStatus, WorkerStatus
from ai_pal.protocol.usage import Usage

GONE = "gone"
"""The state of a model that is loaded no more, and of a download that is over."""


class Subscribe(Request, tag="subscribe", frozen=True):
    """Look on until this is cancelled: one `picture`, then `changes`, and after a time of reading too slowly
    another `picture`. It keeps no supervisor from ending."""

    id: int


class CallOff(Request, tag="call_off", frozen=True):
    """Stop a request of any client, by the `key` that those who look on know. That ends as failed or
    interrupted with the code `cancelled`, and says who wanted it. Ends with `called_off`."""

    id: int
    key: str


class RequestStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request that uses a model; `kind` is its type, `key` what the ledger calls it. Who asks: `client` as
    it named itself, its `pid`, and for whom (`principal`).

    `phase` is `asked`, `accepted`, `pulling`, `queued` (at `position`), `waiting`, `loading`, `computing`,
    `reading`, `answering`, and at last `done`, `failed`, `interrupted` or `cancelled`; `progress` in [0, 1]
    is that of the phase.
    `tier`, `provider` and `remote` as in `Started`. `seconds` since it was asked, `first_token` until the
    first piece of the answer; `tokens` of the answer so far. `usage`, `cost` and `code` (why it failed)
    come with its end."""

    key: str
    kind: str
    phase: str
    client: str = ""
    pid: int = 0
    principal: str = ""
    model: str = ""
    position: int = 0
    progress: float = 0.0
    tier: int = 0
    provider: str = ""
    remote: bool = False
    seconds: float = 0.0
    first_token: float | None = None
    tokens: int = 0
    tokens_per_second: float = 0.0
    usage: Usage = Usage()
    cost: float | None = 0.0
    code: str = ""


class DownloadStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model on its way here. `state` is `pulling`, and `gone` when it is here, was stopped or has failed;
    the figures as in `Pulling`. `followers` wait for it."""

    model: str
    state: str = "pulling"
    done: int = 0
    total: int = 0
    speed: float = 0.0
    remaining: float | None = None
    variant: str = ""
    followers: int = 0


class Happening(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is no state: `evicted`, `waits`, `refused`, `died`, `failed` (of a `model`),
    `attempt_failed` (of a candidate, with its `code`), `pulled`, `pull_failed`, `pull_stopped`, and the kinds
    of a notice to a `request`: `fallback`, `retry`, `seam`, ... `reason` is about the machine, `seconds` how
    long ago it was."""

    kind: str
    model: str = ""
    request: str = ""
    code: str = ""
    reason: str = ""
    seconds: float = 0.0


class Picture(Event, tag="picture", frozen=True):
    """All there is now. `memory`, `free` and `total` in bytes: of the supervisor, what loads can have on this
    machine, and what they could ever have. `happened` is what happened last, also before this. `missed`: so
    many `changes` were left out, because they were not read. `nodes` are those of a cluster."""

    id: int
    version: str
    pid: int
    uptime: float
    clients: int = 0
    memory: int = 0
    free: int = 0
    models: list[WorkerStatus] = msgspec.field(default_factory=list)
    requests: list[RequestStatus] = msgspec.field(default_factory=list)
    downloads: list[DownloadStatus] = msgspec.field(default_factory=list)
    missed: int = 0
    total: int = 0
    gateways: list[Gateway] = msgspec.field(default_factory=list)
    happened: list[Happening] = msgspec.field(default_factory=list)
    nodes: list[NodeStatus] = msgspec.field(default_factory=list)


class Changes(Event, tag="changes", frozen=True):
    """What is new: each entry is whole, and takes the place of the one of the same model or key. One that is
    `gone`, or whose phase is an end, is the last of its own. `free`, `clients`, `gateways` and `nodes`, which
    are all there are, come when they have changed."""

    id: int
    models: list[WorkerStatus] = msgspec.field(default_factory=list)
    requests: list[RequestStatus] = msgspec.field(default_factory=list)
    downloads: list[DownloadStatus] = msgspec.field(default_factory=list)
    happened: list[Happening] = msgspec.field(default_factory=list)
    free: int | None = None
    gateways: list[Gateway] | None = None
    clients: int | None = None
    nodes: list[NodeStatus] | None = None


class CalledOff(Event, tag="called_off", frozen=True):
    """Answer to `call_off`. `open`: there was such a request, which has ended now."""

    id: int
    key: str
    open: bool = False
