"""What a look at a machine tells: is it there, who answers, which models it has, how much memory is free."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping

import msgspec

from ai_pal.client import Client
from ai_pal.errors import AiPalError, Failure
from ai_pal.machines.link import Link
from ai_pal.protocol import client as wire
from ai_pal.protocol.provider import Machine
from ai_pal.store.machine_models import keep_models

NOT_HERE = "not_here"
"""The state of a candidate that would have to be downloaded first."""

PROBES, PROBE_SECONDS = 20, 2.0
"""Requests from whose times the delay of the link is told: so many, or as many as this time has room for."""


class Seen(msgspec.Struct, frozen=True):
    """`login` are the seconds of the login, `delay` the median of those there and back. `free` and `total` in
    bytes for models; `model` is what it answers with when none is named. With a `failure` nothing else is
    known."""

    name: str
    version: str = ""
    identity: str = ""
    login: float = 0.0
    delay: float = 0.0
    free: int = 0
    total: int = 0
    model: str = ""
    models: list[str] = []
    loaded: list[str] = []
    failure: Failure | None = None


def see(name: str, machine: Machine) -> Seen:
    """Look. What is wrong is told, not raised."""
    link = Link(name, machine)
    try:
        greeting = link.open()
        with Client(link.endpoint) as client:
            return _looked(name, greeting.identity, link.took, client)
    except AiPalError as error:
        return Seen(name, failure=link.failure if link.over else error.failure)
    finally:
        link.close()


def see_at_once(machines: Mapping[str, Machine], seconds: float) -> Iterator[tuple[str, Seen | None]]:
    """Look at all of them, which takes no longer than the slowest; in their order. None for one that has
    neither answered nor failed by then: its thread is left behind, and holds nobody up."""
    found: dict[str, Seen] = {}

    def look(name: str, machine: Machine) -> None:
        found[name] = see(name, machine)

    looks = {
        name: threading.Thread(target=look, args=(name, machine), name=f"look at {name}", daemon=True)
        for name, machine in machines.items()
    }
    until = time.monotonic() + seconds
    for one in looks.values():
        one.start()
    for name, one in looks.items():
        one.join(max(0.0, until - time.monotonic()))
        yield name, found.get(name)


def kept(seen: Seen, identity: str) -> Seen:
    """The same; what it has told of its models is kept for lists and completion."""
    if seen.failure is None:
        with contextlib.suppress(OSError):
            keep_models(seen.name, identity, seen.models)
    return seen


def _looked(name: str, identity: str, login: float, client: Client) -> Seen:
    picture = next(iter(client.events()))
    assert isinstance(picture, wire.Picture)
    models = [model.name for model in client.models(here=True) if model.purpose == "chat"]
    plan = client.route("hello", local_only=True).candidates
    mine = next((one.model for one in plan if one.tier == 1 and one.position and one.state != NOT_HERE), "")
    delays: list[float] = []
    while len(delays) < PROBES and sum(delays) < PROBE_SECONDS:
        asked = time.monotonic()
        client.status()
        delays.append(time.monotonic() - asked)
    return Seen(
        name=name,
        version=picture.version,
        identity=identity,
        login=round(login, 3),
        delay=round(sorted(delays)[len(delays) // 2], 5),
        free=picture.free,
        total=picture.total,
        model=mine,
        models=models,
        loaded=[worker.model for worker in picture.models if worker.state == "ready"],
    )
