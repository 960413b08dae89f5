"""Every state in which something can befall a supervisor and its workers, and the way into each.

A way takes the supervisor, a client and a name that makes the model the caller's own; it gives back the
answers that are under way then.
"""

import os
import signal
from collections.abc import Callable

import zmq

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from tests.process.answers import slow
from tests.process.asked import Asked
from tests.process.eventually import eventually
from tests.process.supervised import Supervised, pid_of, status_of

Answers = list[Asked]
State = Callable[[Supervised, Client, str], Answers]
GIL_HELD = "holding the GIL, as asked"
WITHIN = 60.0


def named(name: str, options: str = "") -> str:
    """The echo model of this name, loaded with these options."""
    return f"echo?id={name}{options}"


def idle(daemon: Supervised, client: Client, name: str) -> Answers:
    assert client.welcome.pid == daemon.process.pid
    return []


def starting(daemon: Supervised, client: Client, name: str) -> Answers:
    asked = Asked(client, named(name))
    eventually(lambda: (status := status_of(client, named(name))) and status.pid, WITHIN)
    return [asked]


def loading(daemon: Supervised, client: Client, name: str) -> Answers:
    return [Asked(client, named(name, "&load_seconds=600")).until(wire.Loading)]


def loading_with_the_gil_held(daemon: Supervised, client: Client, name: str) -> Answers:
    model = named(name, "&load_hold_gil=600")
    asked = Asked(client, model)
    eventually(lambda: daemon.logged(GIL_HELD, model=model), WITHIN)
    return [asked]


def ready(daemon: Supervised, client: Client, name: str) -> Answers:
    list(client.load(named(name)))
    return []


def decoding(daemon: Supervised, client: Client, name: str) -> Answers:
    return [Asked(client, named(name)).until(wire.Delta)]


def prefilling(daemon: Supervised, client: Client, name: str) -> Answers:
    asked = Asked(client, named(name), prefill_seconds=600)
    eventually(lambda: (status := status_of(client, named(name))) and status.active, WITHIN)
    return [asked]


def holding_the_gil(daemon: Supervised, client: Client, name: str) -> Answers:
    asked = Asked(client, named(name), hold_gil_at=1)
    eventually(lambda: daemon.logged(GIL_HELD, model=named(name)), WITHIN)
    return [asked]


def stopped_by_a_signal(daemon: Supervised, client: Client, name: str) -> Answers:
    answers = decoding(daemon, client, name)
    os.kill(pid_of(client, named(name)), signal.SIGSTOP)
    return answers


def backing_off(daemon: Supervised, client: Client, name: str) -> Answers:
    model = named(name, "&load_exit=1")
    asked = Asked(client, model)
    eventually(lambda: daemon.logged("worker_phase", phase="backing-off", model=model), WITHIN)
    return [asked]


def queueing(daemon: Supervised, client: Client, name: str) -> Answers:
    model = named(name, "&slots=1")
    return [Asked(client, model).until(wire.Delta), Asked(client, model).until(wire.Queued)]


def draining(daemon: Supervised, client: Client, name: str) -> Answers:
    answers = decoding(daemon, client, name)
    client._exchange.begin(wire.Unload(1_000_000, named(name)))  # goes on while others ask
    eventually(lambda: daemon.logged("worker_phase", phase="draining", model=named(name)), WITHIN)
    return answers


def stopping(daemon: Supervised, client: Client, name: str) -> Answers:
    answers = decoding(daemon, client, name)
    daemon.process.send_signal(signal.SIGTERM)
    eventually(lambda: daemon.logged("stop_signal"), WITHIN)
    return answers


def unread(daemon: Supervised, client: Client, name: str) -> Answers:
    """Much is said to another client, which does not listen and keeps nothing."""
    deaf: zmq.Socket[bytes] = daemon.kept.enter_context(zmq.Context.instance().socket(zmq.DEALER))
    deaf.rcvhwm, deaf.linger = 1, 0
    deaf.connect(daemon.endpoint)
    requests = [wire.Chat(n, [Message("user", "x")], named(name), slow(chunk=100_000)) for n in range(1, 9)]
    deaf.send_multipart([wire.encode(wire.Hello(wire.PROTOCOL)), *map(wire.encode, requests)])
    eventually(lambda: daemon.logged("answer_ended", code="client_too_slow"), WITHIN)
    return []


WORKER_STATES: list[State] = [
    starting, loading, loading_with_the_gil_held, ready, decoding, prefilling, holding_the_gil,
    stopped_by_a_signal, backing_off, queueing, draining,
]  # fmt: skip
ALL_STATES: list[State] = [idle, *WORKER_STATES, stopping]
