"""The conversation between the supervisor, the cluster process and the agents beside workers on nodes."""

import msgspec


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """A graphics card of a node; `free` and `total` are bytes of its own memory."""

    name: str
    free: int = 0
    total: int = 0


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one node. `free` and `total` are bytes of memory that processes can have, `files` the
    identities of the model files there (`ai_pal.cluster.files`). A `silent` one does not answer now: its
    other facts are the last that it told, and nothing is placed there."""

    name: str
    free: int = 0
    total: int = 0
    cores: int = 0
    cards: tuple[Card, ...] = ()
    files: frozenset[str] = frozenset()
    silent: bool = False


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
