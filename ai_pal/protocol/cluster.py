"""The conversation between the supervisor, the cluster process and the agents beside workers on nodes."""

from typing import Annotated

import msgspec

from ai_pal.errors import Code, Failure
from ai_pal.protocol.egress import EgressBeat, EgressHello, FromEgress, ToEgress
from ai_pal.protocol.wanted import Wanted

DISK_SPARE = 16 << 20
"""Bytes that are left free on a node's disk when it gets files."""

KILL = 9
"""SIGKILL, on every platform that we know."""


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """A graphics card of a node; `free` and `total` are bytes of its own memory, `name` is as settings have
    it (`cuda:0`), `label` what it is sold as, and `uuid` what its driver knows it by."""

    name: str
    free: int = 0
    total: int = 0
    label: str = ""
    uuid: str = ""


class CardShare(msgspec.Struct, frozen=True, omit_defaults=True):
    """A card that a worker computes on, by its driver's name, the part of its memory that is the worker's,
    and the bytes of it that have to be free when it starts."""

    uuid: str
    part: float
    need: int = 0


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one node. `free` and `total` are bytes of memory that processes can have, `files` the
    identities of the model files there (`ai_pal.catalog.weights.identity`), `cache` the folder that these lie
    in, and `disk` the bytes that are free there, None for not known. `pressure` is the percentage of the time
    that processes there wait for memory. `computing` are the engines whose builds there compute on its
    `cards`, `address` is where other nodes reach it, "" for not known, `version` that of AI-PAL there. On its
    way it has the `same_files` as were told last instead of `files` (`node_facts`). One that is `silent` does
    not answer now: all else is what it told last, and nothing is placed there."""

    name: str
    free: int = 0
    total: int = 0
    cores: int = 0
    cards: tuple[Card, ...] = ()
    files: frozenset[str] = frozenset()
    silent: bool = False
    cache: str = ""
    disk: int | None = None
    pressure: int = 0
    computing: frozenset[str] = frozenset()
    address: str = ""
    version: str = ""
    same_files: bool = False


class ModelFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file of a model. `place` is where it lies under a cache of models, and names its repository and
    revision (a commit), or the published file. `sha256` is empty where nobody has told it yet. What lies
    outside of the supervisor's cache is at `origin`, and was `changed` then (nanoseconds)."""

    place: str
    size: int
    sha256: str = ""
    origin: str = ""
    changed: int = 0

    @property
    def identity(self) -> str:
        """Equal for equal files; as nodes tell it of what they have (`ai_pal.catalog.weights.identity`)."""
        return f"{self.place}:{self.size}"

    @property
    def name(self) -> str:
        """For people."""
        return self.place.rpartition("/")[2]


class Supply(msgspec.Struct, frozen=True, omit_defaults=True):
    """The files that a worker's node has to have in its `cache` before it starts. What it lacks it takes from
    the folder `shared`, laid out as a cache is, where that has it; else it fetches what is `pulled`, called
    `model`; else the cluster process gives it from the cache `origin`."""

    files: tuple[ModelFile, ...]
    cache: str
    origin: str = ""
    shared: str = ""
    pulled: Wanted | None = None
    model: str = ""


class Ticket(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an agent is started with: nothing in it is secret.

    `worker` is the socket identity of the worker that it is for, `node` where it has to be, `address` what it
    connects to (`tcp://HOST:PORT`) and `server` the public key that answers there (Z85). It launches `module`
    with `args` if `need` bytes of memory are free there; `cards` are the only graphics cards that it sees, in
    their order, where it computes on any; and what is in `supply` it gets first."""

    worker: str
    node: str
    address: str
    server: str
    module: str = "workers"
    args: tuple[str, ...] = ()
    need: int = 0
    cards: tuple[CardShare, ...] = ()
    supply: Supply | None = None


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
    cards: tuple[CardShare, ...] = ()
    supply: Supply | None = None


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


class Supplied(FromEgress, tag="supplied", frozen=True):
    """How many bytes of the files that the node lacked are there, of `total`. `steps` counts signs of
    progress: it moves also while what has come is looked through."""

    worker: str
    done: int
    total: Annotated[int, msgspec.Meta(gt=0)]
    steps: int


class Ended(FromEgress, tag="ended", frozen=True):
    """The worker has ended with this exit `code` or `signal`; or it was `refused` before it began, and the
    `cause` is why, None for too little memory; or is `lost`: nobody can tell its end, and it has ended
    itself. `tail` are the last lines that it wrote."""

    worker: str
    code: int | None = None
    signal: int | None = None
    reason: str = ""
    refused: bool = False
    lost: bool = False
    tail: str = ""
    cause: Code | None = None


class AskHash(FromEgress, tag="ask_hash", frozen=True):
    """An agent's question for the SHA-256 of a file of its supply, by number. Answered by `Hash` or
    `NotGiven`."""

    worker: str
    file: int


class AskPiece(FromEgress, tag="ask_piece", frozen=True):
    """An agent's question for `count` bytes of a file from `offset` on. Answered by `Piece` or `NotGiven`."""

    worker: str
    file: int
    offset: int
    count: int


class Hash(ToEgress, tag="hash", frozen=True):
    """The SHA-256 of a file of the supply; empty while it is still computed: a sign of life."""

    file: int
    sha256: str = ""


class Piece(ToEgress, tag="piece", frozen=True):
    """Bytes of a file of the supply."""

    file: int
    offset: int
    data: bytes


class NotGiven(ToEgress, tag="not_given", frozen=True):
    """A file of the supply cannot be given, and why."""

    file: int
    reason: str


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
FromCluster = EgressHello | EgressBeat | Up | Down | Nodes | Launched | Line | Used | Supplied | Ended
ToAgent = Welcome | Signal | Hash | Piece | NotGiven
FromAgent = Greeting | Launched | Line | Used | Supplied | Ended | AskHash | AskPiece
Asked = AskHash | AskPiece

encode = msgspec.msgpack.Encoder().encode
decode_to_cluster = msgspec.msgpack.Decoder(ToCluster).decode
decode_from_cluster = msgspec.msgpack.Decoder(FromCluster).decode
decode_to_agent = msgspec.msgpack.Decoder(ToAgent).decode
decode_from_agent = msgspec.msgpack.Decoder(FromAgent).decode
