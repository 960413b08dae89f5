"""Ray starts agents on the nodes that they are placed on. Nothing else goes through it: no prompt, no secret.
The only module that imports Ray."""

import contextlib
import ipaddress
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from ai_pal.cluster.engine import FACTS_SECONDS, GONE_SECONDS, START_SECONDS, Events
from ai_pal.cluster.ray_actors import Agent, Scout
from ai_pal.cluster.ray_lookout import Lookout
from ai_pal.cluster.ray_nodes import MEMORY, RayNode, alive, cards_of, last_words, refusal
from ai_pal.errors import AiPalError, Code, Failure, install_extra
from ai_pal.protocol.cluster import Node, Ticket

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# Else a driver waits for minutes where it gets no word from the head, or is on no node.
os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
os.environ.setdefault("RAY_gcs_server_request_timeout_seconds", "15")
try:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as missing:
    raise AiPalError(
        Failure(Code.SDK_MISSING, f"Ray is not installed: {missing}", install_extra("cluster"))
    ) from missing

CONNECT_SECONDS = 3.0
"""Until a head that takes no connection counts as not there."""

HEAD_SECONDS = 5.0
"""From this silence of Ray's head on nothing is placed."""

GIVE_UP_SECONDS = 50.0
"""After this silence it is said that Ray is about to end: it ends nodes and drivers 60 s after their head."""

LOOK_SECONDS = FACTS_SECONDS / 2

GIVES_BACK_SECONDS = 5.0
"""After the end of an agent, until Ray has told that what it had is free again."""


class RayEngine:
    """Implements `Engine` on the cluster whose head is at `address` (HOST:PORT): this machine is a node."""

    name = "ray"

    def __init__(self, address: str, events: Events) -> None:
        self._address, self._events = address, events
        self._lock = threading.RLock()  # held while events are told: they come in order
        self._closed = threading.Event()
        self._agents: dict[str, _Placed] = {}
        self._given_back_by: dict[str, float] = {}
        self._lookouts: dict[str, Lookout] = {}
        _connect(address)
        self._head_at = time.monotonic()
        self._given_up = False
        self._list()
        for work in (self._list_always, self._look_always):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()

    def nodes(self) -> Sequence[Node]:
        now = time.monotonic()
        with self._lock:
            return tuple(self._lookouts[name].node(now) for name in sorted(self._lookouts))

    def start(self, ticket: Ticket) -> None:
        with self._lock:
            if ticket.worker in self._agents:
                raise ValueError(f"{ticket.worker} was started before")
            placed = self._agents[ticket.worker] = _Placed(ticket, time.monotonic() + START_SECONDS)
        _in_thread(self._place, placed)

    def stop(self, worker: str) -> None:
        with self._lock:
            placed = self._agents.get(worker)
            if placed is None or placed.gone_by is not None:
                return
            placed.gone_by = time.monotonic() + GONE_SECONDS
        _in_thread(placed.kill)

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            self._agents.clear()
        ending = _in_thread(ray.shutdown)  # what a driver has started ends with it
        ending.join(GONE_SECONDS)

    # Placing: each in a thread of its own, for Ray waits where its head is away.

    def _place(self, placed: "_Placed") -> None:
        ticket = placed.ticket
        try:
            if placed.gone_by is not None:
                return self._end(placed, "")
            reason, cause = self._refusal(ticket)
            if reason:
                return self._end(placed, reason, refused=True, cause=cause)
            node = self._lookouts[ticket.node].row
            options = {
                "num_cpus": 0,  # a worker computes on as many cores as it is told to
                "num_gpus": cards_of(ticket),
                "scheduling_strategy": NodeAffinitySchedulingStrategy(node.id, soft=False),
                **({MEMORY: ticket.need} if ticket.need else {}),
            }
            placed.agent = _remote(Agent).options(**options).remote(msgspec.json.encode(ticket))
            placed.agent.key.remote().future().add_done_callback(lambda done: self._keyed(placed, done))
        except Exception as error:  # noqa: BLE001 - whatever Ray says, the agent is not there
            return self._end(placed, last_words(error))
        if placed.gone_by is not None or placed.ended:
            placed.kill()
        return None

    def _refusal(self, ticket: Ticket) -> tuple[str, Code | None]:
        """Why it cannot be placed, "" where it can, and the code of that."""
        now = time.monotonic()
        with self._lock:
            lookout, known = self._lookouts.get(ticket.node), ", ".join(sorted(self._lookouts))
        if lookout is None:
            return f"there is no node {ticket.node}: Ray has {known or 'none'}", Code.NO_NODE
        if (silent := now - self._head_at) > HEAD_SECONDS:
            return f"Ray's head at {self._address} has not answered for {silent:.0f} s", Code.NO_NODE
        if lookout.node(now).silent and not lookout.is_new:
            return f"node {ticket.node} does not answer", Code.NO_NODE
        return self._shortage(ticket, lookout.row)

    def _shortage(self, ticket: Ticket, node: RayNode) -> tuple[str, Code | None]:
        """What it lacks there; for a while what others had there may only not be told yet."""
        while True:
            free = ray._private.state.available_resources_per_node()
            found = refusal(ticket, node, free.get(node.id, {}))
            if not found[0] or time.monotonic() > self._given_back_by.get(node.name, 0.0):
                return found
            if self._closed.wait(LOOK_SECONDS):
                return found

    def _keyed(self, placed: "_Placed", done: "Future[str]") -> None:
        if done.exception() is not None:
            return self._end(placed, last_words(done.exception()))
        with self._lock:
            if placed.ended:
                return None
            placed.is_there = True
            self._tell("admitted", placed.ticket.worker, done.result())
        placed.agent.run.remote().future().add_done_callback(lambda end: self._over(placed, end))
        return None

    def _over(self, placed: "_Placed", end: "Future[None]") -> None:
        error = end.exception()
        self._end(placed, "it has ended" if error is None else last_words(error))

    def _end(
        self, placed: "_Placed", reason: str, *, refused: bool = False, cause: Code | None = None
    ) -> None:
        with self._lock:
            if placed.ended:
                return
            placed.ended = True
            if not refused:  # else it had nothing
                self._given_back_by[placed.ticket.node] = time.monotonic() + GIVES_BACK_SECONDS
            self._agents.pop(placed.ticket.worker, None)
            said = "it was stopped" if placed.gone_by is not None else reason
            worker = placed.ticket.worker
            self._tell("refused", worker, said, cause) if refused else self._tell("lost", worker, said)
        if placed.agent is not None:
            _in_thread(placed.kill)

    def _tell(self, what: str, worker: str, *said: object) -> None:
        if not self._closed.is_set():
            getattr(self._events, what)(worker, *said)

    # What is there.

    def _list_always(self) -> None:
        while not self._closed.wait(FACTS_SECONDS):
            with contextlib.suppress(Exception):  # its head is away: `_look_always` counts
                self._list()

    def _list(self) -> None:
        """Ask Ray's head which nodes there are."""
        table, now = ray.nodes(), time.monotonic()
        with self._lock:
            self._head_at = now
            used = {name: one.row.id for name, one in self._lookouts.items() if not one.node(now).silent}
            rows = alive(table, used, {one.failed for one in self._lookouts.values()})
            for name, row in rows.items():
                if name not in self._lookouts:
                    self._lookouts[name] = Lookout(row, _scout)
                self._lookouts[name].is_listed(row)
            for name, lookout in list(self._lookouts.items()):
                if name not in rows and lookout.forgotten(now):
                    del self._lookouts[name]

    def _look_always(self) -> None:
        while not self._closed.wait(LOOK_SECONDS):
            now = time.monotonic()
            with self._lock:
                lookouts, agents = list(self._lookouts.values()), list(self._agents.values())
            for lookout in lookouts:
                lookout.look(now)
            for placed in agents:
                if placed.gone_by is not None and now >= placed.gone_by:
                    self._end(placed, "")
                elif not placed.is_there and now >= placed.start_by:
                    self._end(placed, f"Ray did not start it within {START_SECONDS:g} s")
            if now - self._head_at > GIVE_UP_SECONDS and not self._given_up:
                self._given_up = True
                self._give_up(agents)

    def _give_up(self, agents: "Sequence[_Placed]") -> None:
        """Ray ends its nodes and this process now, without a word."""
        reason = f"Ray's head at {self._address} has not answered for {GIVE_UP_SECONDS:g} s, and Ray ends"
        print(
            f"{reason}: start it again (ray start --head), then all other nodes", file=sys.stderr, flush=True
        )
        for placed in agents:
            self._end(placed, reason)


class _Placed:
    """An agent that was asked for. `gone_by` is set once it is to stop."""

    def __init__(self, ticket: Ticket, start_by: float) -> None:
        self.ticket, self.start_by = ticket, start_by
        self.agent: Any = None
        self.gone_by: float | None = None
        self.is_there = self.ended = False

    def kill(self) -> None:
        if self.agent is not None:
            with contextlib.suppress(Exception):  # it has ended, or Ray has
                ray.kill(self.agent)


def _connect(address: str) -> None:
    """Become a driver. Raises `AiPalError`."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        where = f"the address of Ray's head is {address!r}, and not HOST:PORT"
        raise AiPalError(
            Failure(Code.CONFIG_INVALID, where, "such as: ai-pal cluster up --ray 10.0.0.1:6379")
        )
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        away = f"Ray's head at {address} cannot be reached: {error.strerror or error}"
        hint = f"start it there: ray start --head --port={port}"
        raise AiPalError(Failure(Code.PROVIDER_UNREACHABLE, away, hint, retryable=True)) from error
    if ipaddress.ip_address(socket.gethostbyname(host)).is_loopback:
        # Ray would look at the address of the nearest network instead.
        ray._private.services.resolve_ip_for_localhost = lambda host: host
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, namespace="ai-pal", log_to_driver=False, configure_logging=False)
    except Exception as error:
        refused = (
            f"this machine cannot use the Ray cluster at {address}: {last_words(error.__cause__ or error)}"
        )
        hint = f"it has to be a node of it, with the same token: ray start --address={address}"
        raise AiPalError(Failure(Code.PROVIDER_REFUSED, refused, hint)) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _remote(what: type) -> Any:
    return ray.remote(max_restarts=0, max_task_retries=0)(what)


def _scout(node: RayNode) -> Any:
    where = NodeAffinitySchedulingStrategy(node.id, soft=False)
    return _remote(Scout).options(num_cpus=0, scheduling_strategy=where).remote(node.name, node.address)


def _in_thread(work: Any, *args: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    return thread
