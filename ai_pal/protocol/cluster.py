"""The conversation between the supervisor, the cluster process and the agents beside workers on nodes."""

import msgspec

from ai_pal.errors import Failure
from ai_pal.protocol.egress import EgressBeat, EgressHello, FromEgress, ToEgress

KILL = 9
"""SIGKILL, on every platform that we know."""


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """A graphics card of a node; `free` and `total` are bytes of its own memory."""

    name: str
    free: int = 0
    total: int = 0


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one node. `free` and `total` are bytes of memory that processes can have, `files` the
    identities of the model files there (`ai_pal.catalog.identity`), `cache` the folder that these lie in. One
    that is `silent` does not answer now: all else is what it told last, and nothing is placed there."""

    name: str
    free: int = 0
    total: int = 0
    cores: int = 0
    cards: tuple[Card, ...] = ()
    files: frozenset[str] = frozenset()
    silent: bool = False
    cache: str = ""


class Ticket(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an agent is started with: nothing in it is secret.

    `worker` is the socket identity of the worker that it is for, `node` where it has to be, `address` what it
    connects to (`tcp://HOST:PORT`) and `server` the public key that answers there (Z85). It launches `module`
    with `args` if `need` bytes of memory are free there; `cards` is how many graphics cards that takes."""

    worker: str
    node: str
    address: str
    server: str
    module: str = "workers"
    args: tuple[str, ...] = ()
    need: int = 0
    cards: int = 0


class Begin(ToEgress, tag="begin", frozen=True):
    """First message to the cluster process: the engine to have, and what the settings say for it. `listen` is
    where agents connect (`tcp://HOST:PORT`, port `*` for any), unless they go to `advertise`, `commands` how
    Python is started on each node, `target` the address of a cluster that is there."""

    engine: str
    listen: str
    commands: dict[str, str] = msgspec.field(default_factory=dict)
    target: str = ""
    advertise: str = ""


class Place(ToEgress, tag="place", frozen=True):
    """Start this worker on this node; see `Ticket`. Ends with exactly one `Ended`."""

    worker: str
    node: str
    module: str = "workers"
    args: tuple[str, ...] = ()
    need: int = 0
    cards: int = 0


class Signal(ToEgress, tag="signal", frozen=True):
    """SIGTERM or SIGKILL to the group of this worker; to its agent too."""

    worker: str
    number: int


class Up(FromEgress, tag="up", frozen=True):
    """The engine is there, and agents connect to `address`."""

    engine: str
    address: str


class Down(FromEgress, tag="down", frozen=True):
    """There is no engine, and why."""

    failure: Failure


class Nodes(FromEgress, tag="nodes", frozen=True):
    """All nodes as they are now."""

    nodes: tuple[Node, ...]


class Launched(FromEgress, tag="launched", frozen=True):
    """The worker runs on its node, under this pid there."""

    worker: str
    pid: int


class Line(FromEgress, tag="line", frozen=True):
    """A line that the worker wrote, for the log."""

    worker: str
    text: str


class Used(FromEgress, tag="used", frozen=True):
    """What the worker has used; see `ProcessUsage`."""

    worker: str
    cpu: float
    memory: int
    read: int
    private: int = 0
    peak: int = 0


class Ended(FromEgress, tag="ended", frozen=True):
    """The worker has ended with this exit `code` or `signal`; or it was `refused` before it began, or is
    `lost`: nobody can tell its end, and it has ended itself. `tail` are the last lines that it wrote."""

    worker: str
    code: int | None = None
    signal: int | None = None
    reason: str = ""
    refused: bool = False
    lost: bool = False
    tail: str = ""


class Greeting(FromEgress, tag="greeting", frozen=True):
    """First message of an agent, with the version of its AI-PAL; said again, with the next `number`, until it
    is welcomed."""

    worker: str
    version: str
    number: int = 0


class Welcome(ToEgress, tag="welcome", frozen=True):
    """To an agent: it may launch its worker, if it has only just said the greeting of this `number`. What lay
    on a cut line may be long out of date."""

    number: int = 0


ToCluster = Begin | Place | Signal
FromCluster = EgressHello | EgressBeat | Up | Down | Nodes | Launched | Line | Used | Ended
ToAgent = Welcome | Signal
FromAgent = Greeting | Launched | Line | Used | Ended

encode = msgspec.msgpack.Encoder().encode
decode_to_cluster = msgspec.msgpack.Decoder(ToCluster).decode
decode_from_cluster = msgspec.msgpack.Decoder(FromCluster).decode
decode_to_agent = msgspec.msgpack.Decoder(ToAgent).decode
decode_from_agent = msgspec.msgpack.Decoder(FromAgent).decode
