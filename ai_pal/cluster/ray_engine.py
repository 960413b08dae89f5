"""Ray starts agents on the nodes that they are placed on. Nothing else goes through it: no prompt, no secret.

The only module that imports Ray; on nodes Ray imports it again, to run what stands at its end.
"""

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

from ai_pal.cluster import facts
from ai_pal.cluster.engine import FACTS_SECONDS, GONE_SECONDS, SILENT_SECONDS, START_SECONDS, Events
from ai_pal.cluster.ray_nodes import MEMORY, RayNode, alive, refusal
from ai_pal.errors import AiPalError, Code, Failure, install_extra
from ai_pal.protocol.cluster import Node, Ticket
from ai_pal.restarts import Restarts
from ai_pal.transport import curve

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

FORGET_SECONDS = 600.0
"""After this a node that is gone is no longer listed: in a cluster that grows and shrinks they add up."""


class RayEngine:
    """Implements `Engine` on the cluster whose head is at `address` (HOST:PORT): this machine is a node."""

    name = "ray"

    def __init__(self, address: str, events: Events) -> None:
        self._address, self._events = address, events
        self._lock = threading.RLock()  # held while events are told: they come in order
        self._closed = threading.Event()
        self._agents: dict[str, _Placed] = {}
        self._lookouts: dict[str, _Lookout] = {}
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
            if reason := self._refusal(ticket):
                return self._end(placed, reason, refused=True)
            node = self._lookouts[ticket.node].row
            options = {
                "num_cpus": 0,  # a worker computes on as many cores as it is told to
                "num_gpus": ticket.cards,
                "scheduling_strategy": NodeAffinitySchedulingStrategy(node.id, soft=False),
                **({MEMORY: ticket.need} if ticket.need else {}),
            }
            placed.agent = _remote(_Agent).options(**options).remote(msgspec.json.encode(ticket))
            placed.agent.key.remote().future().add_done_callback(lambda done: self._keyed(placed, done))
        except Exception as error:  # noqa: BLE001 - whatever Ray says, the agent is not there
            return self._end(placed, _words(error))
        if placed.gone_by is not None or placed.ended:
            placed.kill()
        return None

    def _refusal(self, ticket: Ticket) -> str:
        now = time.monotonic()
        with self._lock:
            lookout, known = self._lookouts.get(ticket.node), ", ".join(sorted(self._lookouts))
        if lookout is None:
            return f"there is no node {ticket.node}: Ray has {known or 'none'}"
        if (silent := now - self._head_at) > HEAD_SECONDS:
            return f"Ray's head at {self._address} has not answered for {silent:.0f} s"
        if lookout.node(now).silent and not lookout.is_new:
            return f"node {ticket.node} does not answer"
        free = ray._private.state.available_resources_per_node()
        return refusal(ticket, lookout.row, free.get(lookout.row.id, {}))

    def _keyed(self, placed: "_Placed", done: "Future[str]") -> None:
        if done.exception() is not None:
            return self._end(placed, _words(done.exception()))
        with self._lock:
            if placed.ended:
                return None
            placed.is_there = True
            self._tell("admitted", placed.ticket.worker, done.result())
        placed.agent.run.remote().future().add_done_callback(lambda end: self._over(placed, end))
        return None

    def _over(self, placed: "_Placed", end: "Future[None]") -> None:
        error = end.exception()
        self._end(placed, "it has ended" if error is None else _words(error))

    def _end(self, placed: "_Placed", reason: str, *, refused: bool = False) -> None:
        with self._lock:
            if placed.ended:
                return
            placed.ended = True
            self._agents.pop(placed.ticket.worker, None)
            said = "it was stopped" if placed.gone_by is not None else reason
            self._tell("refused" if refused else "lost", placed.ticket.worker, said)
        if placed.agent is not None:
            _in_thread(placed.kill)

    def _tell(self, what: str, worker: str, text: str) -> None:
        if not self._closed.is_set():
            getattr(self._events, what)(worker, text)

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
                    self._lookouts[name] = _Lookout(row)
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


class _Lookout:
    """Knows the facts of one node, by an actor there that is started again whenever it ends. `failed` is the
    id under which it has answered nothing but errors lately."""

    def __init__(self, row: RayNode) -> None:
        self.row = row
        self._node, self._told_at = Node(row.name, silent=True), float("-inf")
        self._listed_at = time.monotonic()
        self._scout: Any = None
        self._began = self._begin_at = 0.0
        self._asked = False
        self._restarts = Restarts()
        self._said = ""
        self.failed = ""

    @property
    def is_new(self) -> bool:
        """Whether it has neither answered nor failed yet."""
        return self._told_at == float("-inf") and self.failed != self.row.id

    def node(self, now: float) -> Node:
        """What it told last."""
        silent = now - self._told_at > SILENT_SECONDS
        return msgspec.structs.replace(self._node, silent=silent) if silent else self._node

    def is_listed(self, row: RayNode) -> None:
        """Ray has it, perhaps as a new one: it was started again."""
        if row.id != self.row.id:
            self._scout, self._asked, self._begin_at, self._restarts = None, False, 0.0, Restarts()
        self.row, self._listed_at = row, time.monotonic()

    def forgotten(self, now: float) -> bool:
        return now - self._listed_at > FORGET_SECONDS

    def look(self, now: float) -> None:
        """Ask it, unless it is asked or to be let alone."""
        if self._asked or now < self._begin_at:
            return
        self._asked = True
        try:
            if self._scout is None:
                self._began = now
                where = NodeAffinitySchedulingStrategy(self.row.id, soft=False)
                self._scout = (
                    _remote(_Scout).options(num_cpus=0, scheduling_strategy=where).remote(self.row.name)
                )
            scout = self._scout
            scout.look.remote().future().add_done_callback(lambda done: self._told(scout, done))
        except Exception as error:  # noqa: BLE001 - whatever Ray says, it cannot be asked now
            self._failed(error)

    def _told(self, scout: Any, done: "Future[bytes]") -> None:
        if scout is not self._scout:
            return
        self._asked = False
        try:
            node = msgspec.json.decode(done.result(), type=Node)
        except Exception as error:  # noqa: BLE001 - its node has gone, or has no AI-PAL of this version
            self._failed(error)
        else:
            self._node, self._told_at, self._said, self.failed = node, time.monotonic(), "", ""

    def _failed(self, error: BaseException) -> None:
        now, words = time.monotonic(), _words(error)
        self.failed = self.row.id
        self._scout, self._asked, self._told_at = None, False, float("-inf")
        self._begin_at = now + self._restarts.wait(now - self._began)
        if words != self._said:
            self._said = words
            print(f"node {self.row.name} does not answer: {words}", file=sys.stderr, flush=True)


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
        refused = f"this machine cannot use the Ray cluster at {address}: {_words(error.__cause__ or error)}"
        hint = f"it has to be a node of it, with the same token: ray start --address={address}"
        raise AiPalError(Failure(Code.PROVIDER_REFUSED, refused, hint)) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _remote(what: type) -> Any:
    return ray.remote(max_restarts=0, max_task_retries=0)(what)


def _words(error: BaseException | None) -> str:
    """Its last line that says something: Ray's errors are pages, with the cause at their end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]


def _in_thread(work: Any, *args: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    return thread


# What Ray runs on nodes.


class _Agent:
    """Two calls: the public key of a pair that never leaves its node, then the life of the agent."""

    def __init__(self, ticket: bytes) -> None:
        self._ticket, self._keys = msgspec.json.decode(ticket, type=Ticket), curve.fresh_keys()

    def key(self) -> str:
        return self._keys.public

    def run(self) -> None:
        from ai_pal.cluster.agent import serve

        serve(self._ticket, self._keys)


class _Scout:
    """Tells a node's facts."""

    def __init__(self, name: str) -> None:
        from ai_pal import catalog
        from ai_pal.config import load_settings

        self._facts = facts.Facts(name, catalog.cache_dir(load_settings().settings))

    def look(self) -> bytes:
        return msgspec.json.encode(self._facts.look())
