"""The way between a worker on a node and the supervisor: real sockets, a real agent and worker.

The wire between them is looked at, and cut. Only the engine does nothing by itself."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import zmq

from ai_pal import __version__
from ai_pal.cluster import agent_worker, leases
from ai_pal.cluster.agent import Agent
from ai_pal.cluster.agent_worker import AgentWorker
from ai_pal.cluster.frames import BEAT, MESSAGE, WORKER
from ai_pal.cluster.giving import Giving
from ai_pal.cluster.placements import Placements
from ai_pal.cluster.relay import Relay
from ai_pal.errors import Code
from ai_pal.memory.devices import Device
from ai_pal.protocol import cluster as wire
from ai_pal.protocol import worker as inner
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.transport import curve
from ai_pal.transport.reader import SocketReader
from ai_pal.transport.sockets import configure, receive_frames
from tests.process.eventually import allowed, eventually
from tests.strict_engine import StrictEngine

pytestmark = pytest.mark.anyio
LIMIT = 60.0
A, B = "echo.1.1", "echo.2.1"
MANY, SIZE = 4000, 10_000
HELD_LOOKS = 100
GB = 10**9
SECRET = "the prompt that nobody on the way may read"


class Wire:
    """A TCP forwarder between agents and the port: it keeps what it carries, says a part of it again, and is
    cut without a word."""

    def __init__(self, port: int) -> None:
        self._port, self.seen = port, bytearray()
        self.carried: list[tuple[bool, bytes]] = []
        self.broken = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._is_cut = False

    async def listen(self) -> str:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        return f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        self._is_cut = True

    def say_again(self) -> None:
        """Bring what went to the port last once more, over the connection that it went by."""
        self._to_port.write(next(data for to_port, data in reversed(self.carried) if to_port))

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._to_port = far_writer
        self._writers += [writer, far_writer]
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._carry(source, target))
            self._tasks.add(task)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                if not self._is_cut:
                    self.seen += data
                    self.carried.append((target is self._to_port, data))
                    target.write(data)
        self.broken = True
        if not self._is_cut:
            target.close()


class Near:
    """The supervisor's end, the port, and whoever is placed; agents run in this very process."""

    def __init__(self, folder: Path) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self.context.socket(zmq.ROUTER)
        configure(self._socket)
        self._socket.router_mandatory, self._socket.sndhwm, self._socket.rcvhwm = True, 16, 16
        endpoint = f"ipc://{folder}/s"
        self._socket.bind(endpoint)
        self.from_workers: dict[str, list[bytes]] = {}
        self._reader = SocketReader(self._socket, self._take)
        self.told: list[wire.FromCluster] = []
        self.relay = Relay("tcp://127.0.0.1:*", endpoint, self._said, self._heard)
        self.engine = StrictEngine(self, [wire.Node("a", 1, 1)])
        self.giving = Giving(self.relay.tell)
        self.placements = Placements(self.engine, self.relay, self.giving, self.told.append, __version__)
        self.agents: list[asyncio.Task[None]] = []
        self._workers: list[AgentWorker] = []
        self.patient = False
        self._ticking = asyncio.create_task(self._tick())

    def send(self, worker: str, message: inner.ToWorker) -> None:
        self._socket.send_multipart([worker.encode(), inner.encode(message)], zmq.DONTWAIT)
        self._reader.look()

    def hold(self, *, held: bool) -> None:
        """Read nothing of what workers send, or go on."""
        (self._reader.pause if held else self._reader.resume)()

    async def send_until_held(self, worker: str, frames: list[bytes]) -> int:
        """How many of these went out until nothing was taken for a while."""
        for number, frame in enumerate(frames):
            for _ in range(HELD_LOOKS):
                try:
                    self._socket.send_multipart([worker.encode(), frame], zmq.DONTWAIT)
                    break
                except zmq.Again:
                    await asyncio.sleep(0.01)
            else:
                return number
        return len(frames)

    def messages(self, worker: str) -> list[inner.AnyFromWorker]:
        return [inner.decode_from_worker(frame) for frame in self.from_workers.get(worker, [])]

    def admitted(self, worker: str, key: str) -> None:
        self.placements.admitted(worker, key, asyncio.get_running_loop().time())

    def refused(self, worker: str, reason: str, cause: Code | None) -> None:
        self.placements.refused(worker, reason, cause, asyncio.get_running_loop().time())

    def lost(self, worker: str, reason: str) -> None:
        self.placements.lost(worker, reason, asyncio.get_running_loop().time())

    def place(self, worker: str, address: str, need: int = 0, **more: Any) -> None:
        """Start this worker by an agent that goes over this address."""
        self.placements.place(wire.Place(worker, "a", need=need, **more))
        given, keys = self.engine.started[worker], curve.fresh_keys()
        ticket = msgspec.structs.replace(given, address=address)
        self.engine.admit(worker, keys.public)
        agent = Agent(ticket, keys)
        self._workers.append(agent._worker)
        self.agents.append(asyncio.create_task(agent.run()))

    def dealer(self, keys: curve.Keys | None, name: str = "", address: str = "") -> "zmq.Socket[bytes]":
        """Somebody else who connects to the port. It gives no signs of life, and silence is no end from now
        on."""
        self.patient = True
        socket = self.context.socket(zmq.DEALER)
        configure(socket)
        socket.sndhwm = socket.rcvhwm = 16
        if name:
            socket.setsockopt(zmq.IDENTITY, name.encode())
        if keys is not None:
            curve.as_client(socket, keys, self.relay.public)
        socket.connect(address or self.relay.address)
        return socket

    async def close(self) -> None:
        self._ticking.cancel()
        for agent in self.agents:
            agent.cancel()
        await asyncio.gather(self._ticking, *self.agents, return_exceptions=True)
        # An agent's process ends with it; in this one their workers would leave zombies and descriptors.
        await until(lambda: not any(worker.runs for worker in self._workers))
        self.giving.close()
        self.relay.close()
        self._reader.close()
        self._socket.close(0)
        self.context.destroy(0)

    async def _tick(self) -> None:
        while True:
            if self.relay.paused or self.patient:
                self.placements.heard_all()
            self.giving.flush()
            self.placements.tick(asyncio.get_running_loop().time())
            await asyncio.sleep(leases.LOOK)

    def _heard(self, worker: str) -> None:
        self.placements.heard(worker)

    def _said(self, worker: str, frame: bytes) -> None:
        self.placements.said(worker, wire.decode_from_agent(frame), asyncio.get_running_loop().time())

    def _take(self) -> int:
        sender, *frames = receive_frames(self._socket)
        self.from_workers.setdefault(sender.bytes.decode(), []).extend(frame.bytes for frame in frames)
        return 1


@pytest.fixture
async def near(tmp_path: Path) -> AsyncIterator[Near]:
    near = Near(tmp_path)
    yield near
    await near.close()


@pytest.fixture
async def line(near: Near) -> AsyncIterator[Wire]:
    line = Wire(int(near.relay.address.rpartition(":")[2]))
    yield line
    await line.close()


async def until(fact: Callable[[], object]) -> None:
    await asyncio.to_thread(eventually, fact)


def said(near: Near, worker: str, kind: type[inner.FromWorker]) -> bool:
    return any(isinstance(message, kind) for message in near.messages(worker))


async def ready(near: Near, line: Wire) -> psutil.Process:
    """A worker with a model; its process."""
    near.place(A, await line.listen())
    await until(lambda: said(near, A, inner.WorkerHello))
    near.send(A, inner.LoadModel("echo", "echo"))
    await until(lambda: said(near, A, inner.Ready))
    return psutil.Process(next(one.pid for one in near.told if isinstance(one, wire.Launched)))


async def test_an_answer_comes_and_nobody_on_the_wire_can_read_it(near: Near, line: Wire) -> None:
    worker = await ready(near, line)
    near.send(A, inner.Generate(1, [Message("user", SECRET)], GenerationOptions()))
    await until(lambda: said(near, A, inner.GenerationDone))
    words = [word.encode() for word in SECRET.split() if len(word) > 3]
    assert all(any(word in frame for frame in near.from_workers[A]) for word in words), "echo says it again"
    assert len(line.seen) > 1000
    assert not any(word in line.seen for word in words)
    near.placements.signal(wire.Signal(A, 15), asyncio.get_running_loop().time())
    await until(lambda: any(isinstance(one, wire.Ended) for one in near.told))
    assert near.told[-1] == wire.Ended(A, signal=15)
    assert not worker.is_running()
    await asyncio.wait_for(near.agents[0], LIMIT)


async def test_a_cut_line_ends_the_worker_by_its_lease_and_then_it_is_told(near: Near, line: Wire) -> None:
    worker = await ready(near, line)
    line.cut()
    loop = asyncio.get_running_loop()
    cut = loop.time()
    await until(lambda: not worker.is_running())
    await until(lambda: any(isinstance(one, wire.Ended) for one in near.told))
    assert loop.time() - cut < allowed(leases.SILENCE + leases.BEAT + 3 * leases.LOOK)
    end = near.told[-1]
    assert isinstance(end, wire.Ended)
    assert end.lost
    assert "node a" in end.reason
    await asyncio.wait_for(near.agents[0], LIMIT)


async def test_a_node_without_the_memory_refuses_before_anything_starts(near: Near, line: Wire) -> None:
    near.place(A, await line.listen(), need=1 << 60)
    await until(lambda: near.told)
    (end,) = near.told
    assert isinstance(end, wire.Ended)
    assert end.refused
    assert "GB is needed" in end.reason


class TwoCards:
    """Implements `Devices`: made up, and seen by who looks at all of them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._all = "CUDA_VISIBLE_DEVICES" not in environ

    def look(self, engine: str) -> list[Device]:
        return [Device("cuda:0", GB, GB, "", "GPU-a"), Device("cuda:1", GB, GB, "", "GPU-b")] * self._all


@pytest.mark.parametrize(
    ("need", "uuid", "lacks"),
    [(2 * GB, "GPU-a", "2.0 GB is needed on cuda:0"), (0, "GPU-c", "no card GPU-c")],
)
async def test_a_node_without_the_memory_on_its_card_refuses_too(
    near: Near, line: Wire, monkeypatch: pytest.MonkeyPatch, need: int, uuid: str, lacks: str
) -> None:
    monkeypatch.setattr(agent_worker, "CardsHere", TwoCards)
    near.place(A, await line.listen(), cards=(wire.CardShare(uuid, 0.5, need),))
    await until(lambda: near.told)
    (end,) = near.told
    assert isinstance(end, wire.Ended)
    assert end.refused
    assert lacks in end.reason


@pytest.mark.parametrize(
    ("uuids", "visible"), [(("GPU-b", "GPU-a"), "GPU-b,GPU-a"), ((), "0")], ids=["its own", "none of its own"]
)
async def test_a_worker_sees_the_cards_of_its_ticket_and_no_others(
    near: Near, line: Wire, monkeypatch: pytest.MonkeyPatch, uuids: tuple[str, ...], visible: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")  # as Ray has it in what it starts
    monkeypatch.setattr(agent_worker, "CardsHere", TwoCards)
    near.place(A, await line.listen(), cards=tuple(wire.CardShare(uuid, 0.5) for uuid in uuids))
    await until(lambda: said(near, A, inner.WorkerHello))
    worker = psutil.Process(next(one.pid for one in near.told if isinstance(one, wire.Launched)))
    assert worker.environ()["CUDA_VISIBLE_DEVICES"] == visible


async def test_a_node_that_starts_no_process_says_so_and_not_that_memory_is_short(
    near: Near, line: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    near.place(A, await line.listen())
    await until(lambda: near.told)
    (end,) = near.told
    assert isinstance(end, wire.Ended)
    assert (end.refused, end.cause) == (True, Code.SPAWN_FAILED)
    assert "could not be started" in end.reason


async def test_strangers_get_nothing(near: Near) -> None:
    own = curve.fresh_keys()
    near.placements.place(wire.Place(A, "a"))
    near.engine.admit(A, own.public)
    agent = near.dealer(own)
    agent.send_multipart([MESSAGE, wire.encode(wire.Greeting(A, __version__))])
    await until(lambda: near.relay.connected(A))
    unknown, plain = near.dealer(curve.fresh_keys(), A), near.dealer(None, A)
    copied = near.dealer(own)
    strangers = (unknown, plain, copied)
    for stranger in strangers:
        stranger.send_multipart([WORKER, b"forged"])
    await until(lambda: near.relay.refused and (near.relay.strangers or near.from_workers))
    near.placements.signal(wire.Signal(A, 15), asyncio.get_running_loop().time())
    assert await asyncio.to_thread(agent.poll, 60_000)
    assert not any(stranger.poll(0) for stranger in strangers)
    assert not near.from_workers
    for socket in (agent, *strangers):
        socket.close(0)


async def test_who_calls_itself_as_another_is_still_only_who_its_key_says(near: Near) -> None:
    sockets = []
    for worker, name in ((A, ""), (B, A)):
        keys = curve.fresh_keys()
        near.placements.place(wire.Place(worker, "a"))
        near.engine.admit(worker, keys.public)
        sockets.append(near.dealer(keys, name))
    first, borrower = sockets
    borrower.send_multipart([WORKER, b"mine"])
    borrower.send_multipart([MESSAGE, wire.encode(wire.Ended(A, code=0))])
    await until(lambda: near.from_workers.get(B))
    first.send_multipart([WORKER, b"own"])
    await until(lambda: near.from_workers.get(A))
    assert near.from_workers == {A: [b"own"], B: [b"mine"]}
    assert not near.told
    first.send_multipart([BEAT])
    for socket in sockets:
        socket.close(0)


async def test_a_connection_that_is_played_again_is_closed_before_anything_of_it_is_taken(
    near: Near, line: Wire
) -> None:
    agent = await come(near, await line.listen())
    reader, writer = await asyncio.open_connection("127.0.0.1", int(near.relay.address.rpartition(":")[2]))
    answered = bytearray()
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        for to_port, data in line.carried:
            if to_port:
                writer.write(data)
            else:
                answered += await asyncio.wait_for(reader.readexactly(len(data)), LIMIT)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    assert b"WELCOME" in answered, "it was not let so far that a replay could be told from its first time"
    assert b"READY" in line.seen
    assert b"READY" not in answered
    assert near.from_workers == {A: [b"here"]}
    agent.close(0)


async def test_a_frame_that_is_said_again_within_its_connection_ends_that(near: Near, line: Wire) -> None:
    agent = await come(near, await line.listen())
    line.say_again()
    await until(lambda: line.broken)
    assert near.from_workers == {A: [b"here"]}
    agent.close(0)


async def come(near: Near, address: str = "") -> "zmq.Socket[bytes]":
    """Somebody who is let in as the agent of A, and is known to be there."""
    keys = curve.fresh_keys()
    near.placements.place(wire.Place(A, "a"))
    near.engine.admit(A, keys.public)
    agent = near.dealer(keys, address=address)
    agent.send_multipart([WORKER, b"here"])
    await until(lambda: near.from_workers.get(A))
    return agent


def numbered() -> list[bytes]:
    return [b"%d " % number + bytes(SIZE) for number in range(MANY)]


async def test_who_sends_to_a_supervisor_that_reads_nothing_waits_and_nothing_is_lost(near: Near) -> None:
    agent, frames = await come(near), numbered()
    near.hold(held=True)

    def send() -> int:
        for number, frame in enumerate(frames):
            if not agent.poll(HELD_LOOKS * 10, zmq.POLLOUT):
                return number
            agent.send_multipart([WORKER, frame])
        return MANY

    went = await asyncio.to_thread(send)
    assert went < MANY, "nothing holds it back: it all lies in somebody's memory"
    near.hold(held=False)
    await until(lambda: len(near.from_workers[A]) == went + 1)
    assert near.from_workers[A][1:] == frames[:went]
    agent.close(0)


async def test_a_supervisor_that_sends_to_who_reads_nothing_waits_and_nothing_is_lost(near: Near) -> None:
    agent, frames = await come(near), numbered()
    went = await near.send_until_held(A, frames)
    assert went < MANY, "nothing holds it back: it all lies in somebody's memory"

    def read() -> list[bytes]:
        got: list[bytes] = []
        while len(got) < went:
            assert agent.poll(60_000), f"only {len(got)} of {went} have come"
            kind, *rest = agent.recv_multipart()
            got += rest if kind == WORKER else []
        return got

    assert await asyncio.to_thread(read) == frames[:went]
    agent.close(0)
