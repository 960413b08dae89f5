"""An Ollama server dies, hangs or comes back under a request: it ends once, by what Ollama had said so far
or by an answer of this machine. Promises 1, 3 and 11."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from ai_pal.catalog import CATALOG, artifact_path
from ai_pal.client import Client
from ai_pal.config import load_settings
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from tests.chaos.laboratory import Laboratory, send
from tests.process.asked import Asked
from tests.servers import ollama as servers
from tests.servers.ollama import Ollama
from tests.servers.ray_cluster import free_ports
from workers.engines.echo.text import reference

FULL, SMALL = 200, 4
CONNECT, FIRST, GAP = 1.0, 4.0, 2.0
SETTINGS: dict[str, object] = {
    "connect_timeout": CONNECT, "queue_timeout": FIRST, "first_token_timeout": FIRST, "gap_timeout": GAP,
}  # fmt: skip
NOTICED = 1.0
"""Seconds from a death, or from the end of a timeout, until the end is heard."""
LOCAL = 2.0
"""Seconds that echo may take for its answer, load and all."""
BACK = 30.0
OLLAMA = 2
"""Its tier."""
SOON = 0.3
TOKENS = 60
CONFIG = """
[local]
model = "echo"
[ollama]
base_url = "{url}"
model = "smollm2"
[providers.openai]
base_url = "http://127.0.0.1:1/v1"
api_key = "sk-not-a-real-key"
"""
"""With a cloud that nobody can reach, so that Ollama is asked before this machine."""


class Routed(Asked):
    """A request that the router gives to a cloud in vain, then to Ollama, then to echo."""

    prompt = "Write a long story about the sea and those who sail it."

    def __init__(self, client: Client) -> None:
        self.client, self.model = client, "the router's choice"
        options = GenerationOptions(temperature=0.0, max_tokens=TOKENS)
        self.stream = client.chat(self.prompt, options=options, goal="quality")
        self.events: list[wire.AnyEvent] = []
        self.lost = None

    @property
    def wanted(self) -> int:  # type: ignore[override]
        """As many as come: only echo is known beforehand."""
        return sum(event.n for event in self.events if isinstance(event, wire.Delta))

    @property
    def tier(self) -> int:
        """Of whoever answers; 0 while nobody does."""
        return next((event.tier for event in self.events if isinstance(event, wire.Started)), 0)

    def is_prefix(self, tokens: int) -> bool:
        whole = "".join(reference([Message("user", self.prompt)], TOKENS))
        return self.tier == OLLAMA or whole.startswith(self.text)


Strike = Callable[[Ollama], None]


def _group(number: signal.Signals) -> Strike:
    return lambda server: os.killpg(server.pid, number)


def _server_only(number: signal.Signals) -> Strike:
    return lambda server: send(server.pid, number)


def _runners(number: signal.Signals) -> Strike:
    def strike(server: Ollama) -> None:
        for runner in psutil.Process(server.pid).children(recursive=True):
            send(runner.pid, number)

    return strike


STRIKES: dict[str, Strike] = {
    "SIGKILL to all of Ollama": _group(signal.SIGKILL),
    "SIGKILL to its server": _server_only(signal.SIGKILL),
    "SIGTERM to its server": _server_only(signal.SIGTERM),
    "SIGKILL to its runner": _runners(signal.SIGKILL),
    "SIGSTOP to all of Ollama": _group(signal.SIGSTOP),
    "SIGSTOP to its runner": _runners(signal.SIGSTOP),
}


def prove(lab: Laboratory, dice: random.Random, rounds: int) -> None:
    """One round is one strike, under a supervisor that knows nothing of the last one."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    lab.configure(CONFIG.format(url=f"http://{address}"))
    for lab.report.round in range(1, rounds + 1):
        with _ollama(address) as server:
            _round(lab, dice, server)
        lab.stop()
    with _ollama(address) as server, lab.client() as client:
        servers.load(server.url)  # who gives up while it loads, ends the load too
        asked = _asked_until(client, OLLAMA)
        lab.report.expect(asked.tier == OLLAMA, f"Ollama is back, and {asked.tier} answers: {asked.end}")


def _asked_until(client: Client, tier: int) -> Routed:
    """The first answer of this tier, or the last of three: a model that is just being read takes its time."""
    for _ in range(3):
        asked = Routed(client)
        asked.finish(BACK)
        if asked.tier == tier:
            break
    return asked


@contextmanager
def _ollama(address: str) -> Iterator[Ollama]:
    folder, artifact = servers.installed(), CATALOG["smollm2"].artifact
    assert folder is not None, "the Ollama server for tests is not here: scripts/fetch_ollama"
    assert artifact is not None
    starter = artifact_path(artifact, load_settings().settings)
    with servers.ollama(folder, starter, address) as server:
        yield server


def _round(lab: Laboratory, dice: random.Random, server: Ollama) -> None:
    report, name = lab.report, dice.choice(list(STRIKES))
    scene = dice.choice([_before, _asked, _streaming])
    with lab.client() as client:
        asked = scene(client, dice, lambda: STRIKES[name](server))
        struck, begun = time.monotonic(), bool(asked.text)
        if begun:
            limit = (GAP if "STOP" in name else 0.0) + NOTICED
            heard = asked.finish(limit * report.slack)
        else:
            limit = CONNECT + FIRST + NOTICED + LOCAL
            heard = _content(asked, limit * report.slack)
        report.took(
            f"{'the end' if begun else 'first content'} after {name}", time.monotonic() - struck, limit
        )
        if not (heard and asked.finish(BACK)):
            asked.cancel()
            report.expect(False, f"no end after {name} ({scene.__name__})")
        report.ended(asked)
        report.expect(begun or isinstance(asked.end, wire.Done), f"nobody answered: {asked.end}")
        counted = f"{scene.__name__[1:]}, {name}"
        report.figures[counted] = report.figures.get(counted, 0) + 1


def _content(asked: Routed, within: float) -> bool:
    """Whether somebody began to answer in time."""
    try:
        return asked.until(wire.Started, within).end is None
    except AiPalError:
        return False


def _before(client: Client, dice: random.Random, strike: Callable[[], None]) -> Routed:
    """It is gone before anybody asks."""
    strike()
    return Routed(client)


def _asked(client: Client, dice: random.Random, strike: Callable[[], None]) -> Routed:
    """It has been asked, and loads or reads the prompt."""
    asked = Routed(client)
    time.sleep(dice.uniform(0, SOON))
    strike()
    return asked


def _streaming(client: Client, dice: random.Random, strike: Callable[[], None]) -> Routed:
    """It is in the middle of its answer."""
    asked, at = Routed(client), dice.randrange(TOKENS // 2)
    asked.until(wire.Delta)
    for event in asked.stream.within(BACK):
        asked.events.append(event)
        if isinstance(event, wire.TERMINAL) or (isinstance(event, wire.Delta) and event.seq >= at):
            break
    strike()
    return asked
