"""What is going on when a blow falls: a state of an echo or llama.cpp worker, a download, a visitor."""

import subprocess
import sys
from collections.abc import Callable

import msgspec

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from tests.chaos.laboratory import Laboratory
from tests.hub import repositories
from tests.process.asked import Asked
from tests.process.eventually import eventually
from tests.process.states import WORKER_STATES, State, idle, named, stopped_by_a_signal
from tests.process.supervised import status_of, words_of

REPOSITORY = "lab/ggufs"
FIRST_BYTES = 300_000
WITHIN = 60.0
VISITOR = """
import sys
from ai_pal.client import Client
from ai_pal.protocol.options import GenerationOptions
client = Client(sys.argv[1])
options = GenerationOptions(extra={"tokens": 10**6, "pace": 0.01})
for event in client.chat("one two", model=sys.argv[2], options=options):
    pass
"""


class Going(msgspec.Struct):
    """What is under way: answers, the model's name, the pid of its worker (or of the egress process), and
    a visitor, which is a client in a process of its own."""

    answers: list[Asked]
    model: str = ""
    pid: int = 0
    visitor: "subprocess.Popen[bytes] | None" = None


class Told(Asked):
    """An answer of llama.cpp: greedy, so that the same question always begins the same answer."""

    prompt = "Tell me about the sea."
    said: str = ""

    def __init__(self, client: Client, model: str) -> None:
        super().__init__(client, model, GenerationOptions(temperature=0.0, max_tokens=400))

    def is_prefix(self, tokens: int) -> bool:
        longest, shortest = sorted((Told.said, self.text), key=len, reverse=True)
        Told.said = longest
        return longest.startswith(shortest)


class Scene(msgspec.Struct, frozen=True):
    """`kind` says what can be struck: a worker, the egress process, a visitor, or nothing but the rest."""

    name: str
    begin: Callable[[Laboratory, Client], Going]
    kind: str = "worker"
    weight: int = 1


def of_state(state: State) -> Scene:
    """An echo worker in this state."""

    def begin(lab: Laboratory, client: Client) -> Going:
        name = lab.name()
        answers = state(lab.daemon, client, name)
        model = answers[0].model if answers else named(name)
        return Going(answers, model, _pid(client, model))

    kinds: dict[State, str] = {idle: "nothing", stopped_by_a_signal: "stopped worker"}
    return Scene(state.__name__, begin, kinds.get(state, "worker"), 2)


def llama_loading(lab: Laboratory, client: Client) -> Going:
    told = Told(client, _starter(lab)).until(wire.Loading)
    return Going([told], told.model, _pid(client, told.model))


def llama_decoding(lab: Laboratory, client: Client) -> Going:
    told = Told(client, _starter(lab)).until(wire.Delta, WITHIN)
    return Going([told], told.model, _pid(client, told.model))


def downloading(lab: Laboratory, client: Client) -> Going:
    """A download that stands still in the middle: the hub holds it."""
    assert lab.hub is not None
    repository = f"{REPOSITORY}{lab.name()}"
    lab.hub.repos[repository] = repositories.ggufs()
    lab.hub.hold_after = FIRST_BYTES
    lab.hub.held.clear()
    lab.hub.gate.clear()
    asked = Asked(client, f"{repository}:Q4_K_M")
    assert lab.hub.held.wait(WITHIN)
    found = [process for process in lab.processes() if "ai_pal.egress" in words_of(process)]
    return Going([asked], asked.model, found[0].pid)


def visited(lab: Laboratory, client: Client) -> Going:
    """Another process hears an answer."""
    model = named(lab.name())
    command = [sys.executable, "-c", VISITOR, lab.daemon.endpoint, model]
    visitor = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: (status := status_of(client, model)) and status.active, WITHIN)
    return Going([], model, _pid(client, model), visitor)


def _starter(lab: Laboratory) -> str:
    """The starter model in a worker that no other round has used."""
    return f"smollm2?context={1024 + 8 * int(lab.name().rpartition('-')[2])}"


def _pid(client: Client, model: str) -> int:
    status = status_of(client, model)
    return (status.pid or 0) if status else 0


SCENES = [
    of_state(idle),
    *map(of_state, WORKER_STATES),
    Scene("llama.cpp loading", llama_loading, weight=2),
    Scene("llama.cpp decoding", llama_decoding, weight=3),
    Scene("downloading", downloading, "egress", 3),
    Scene("visited", visited, "visitor", 3),
]
