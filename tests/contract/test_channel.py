"""The ROUTER on the loop, over real ipc: nothing lost, nothing reordered, nothing blocked."""

import asyncio
import gc
import os
import select
import socket
import tempfile
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
import zmq

from ai_pal.transport.channel import LARGE, Receive, RouterChannel, Sent, bytes_of
from ai_pal.transport.peer import Peer
from ai_pal.transport.reader import DRAIN_LIMIT
from ai_pal.transport.sockets import HIGH_WATER, Blob

pytestmark = pytest.mark.anyio
COUNT = 5000
LIMIT = 60.0


@pytest.fixture
def endpoint() -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield f"ipc://{Path(folder) / 's'}"


@pytest.fixture
def context() -> Iterator["zmq.Context[zmq.Socket[bytes]]"]:
    with zmq.Context() as context:
        yield context


def bound(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, receive: Receive, send_limit: int = HIGH_WATER
) -> RouterChannel:
    """A channel that takes connections there."""
    channel = RouterChannel(context, receive, send_limit)
    listen(channel, endpoint)
    return channel


def listen(channel: RouterChannel, endpoint: str) -> None:
    path = Path(endpoint.removeprefix("ipc://"))
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    listener.bind(str(path))
    listener.listen()
    channel.listen(endpoint, listener.detach())


def connect(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, name: bytes, send_limit: int = 1000
) -> "zmq.Socket[bytes]":
    socket = context.socket(zmq.DEALER)
    socket.sndhwm = send_limit
    socket.linger, socket.rcvhwm = 0, 100
    socket.identity = name
    socket.connect(endpoint)
    return socket


async def until(event: anyio.Event) -> None:
    with anyio.fail_after(LIMIT):
        await event.wait()


async def test_no_message_is_lost_while_both_sides_send(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str
) -> None:
    """The trap: ZMQ_FD is edge-triggered, and a send eats the edge of what has arrived."""
    arrived, sent, done = list[int](), list[int](), anyio.Event()
    loop = asyncio.get_running_loop()

    def receive(identity: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        arrived.append(int(bytes_of(frames[0])))
        if len(arrived) == COUNT:
            done.set()

    def send_on() -> None:
        if channel.send(b"d", [b"%d" % len(sent)]) is Sent.OK:
            sent.append(len(sent))
        if len(sent) < COUNT or not done.is_set():
            loop.call_soon(send_on)

    channel = bound(context, endpoint, receive)
    heard: list[int] = []

    def talk() -> None:
        socket = connect(context, endpoint, b"d")
        for number in range(COUNT):
            socket.send(b"%d" % number)
            while socket.poll(0):
                heard.append(int(socket.recv()))
        while len(heard) < COUNT and socket.poll(10_000):
            heard.append(int(socket.recv()))
        socket.close()

    loop.call_soon(send_on)
    with anyio.fail_after(LIMIT):
        await anyio.to_thread.run_sync(talk)
        await done.wait()
    channel.close()
    assert arrived == list(range(COUNT))
    assert heard[:COUNT] == list(range(COUNT))


async def test_who_never_connected_is_gone(context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str) -> None:
    channel = bound(context, endpoint, lambda identity, frames, peer, more: None)
    assert channel.send(b"nobody", [b"hello"]) is Sent.GONE
    channel.close()


async def test_who_does_not_read_is_full(context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str) -> None:
    greeted = anyio.Event()
    channel = bound(context, endpoint, lambda identity, frames, peer, more: greeted.set(), send_limit=10)
    socket = connect(context, endpoint, b"lazy")
    socket.send(b"hello")
    await until(greeted)
    results = [channel.send(b"lazy", [bytes(100_000)]) for _ in range(300)]
    channel.close()
    socket.close()
    assert results[0] is Sent.OK
    # Not necessarily the last: libzmq may just have made room, on its way to what the kernel holds.
    assert Sent.FULL in results
    assert Sent.GONE not in results


async def test_a_flood_lets_other_callbacks_run(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str
) -> None:
    arrived, at_turns, done = [0], [0], anyio.Event()
    loop = asyncio.get_running_loop()

    def receive(identity: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        arrived[0] += 1
        if arrived[0] == COUNT:
            done.set()

    def turn() -> None:
        at_turns.append(arrived[0])
        if not done.is_set():
            loop.call_soon(turn)

    channel = bound(context, endpoint, receive)
    socket = connect(context, endpoint, b"flood", send_limit=0)
    for _ in range(COUNT):
        socket.send(b"x")
    loop.call_soon(turn)
    await until(done)
    # The reader and the reschedule may both have their turn between two of ours.
    assert max(after - before for before, after in pairwise(at_turns)) <= 2 * DRAIN_LIMIT
    channel.close()
    socket.close()


async def test_the_sender_is_known_by_the_kernel(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str
) -> None:
    peers, done = list[Peer | None](), anyio.Event()

    def receive(identity: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        peers.append(peer)
        done.set()

    channel = bound(context, endpoint, receive)
    socket = connect(context, endpoint, b"d")
    socket.send(b"hello")
    await until(done)
    assert peers == [Peer(uid=os.getuid(), pid=os.getpid())]
    channel.close()
    socket.close()


async def test_closing_gives_everything_back(endpoint: str) -> None:
    gc.collect()  # what other tests have left
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        channel = bound(context, endpoint, lambda identity, frames, peer, more: None)
        await anyio.lowlevel.checkpoint()
        channel.close()
        context.term()
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_a_message_whose_edge_a_send_has_eaten_is_read_all_the_same(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str
) -> None:
    first, second = anyio.Event(), anyio.Event()

    def receive(identity: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        (second if first.is_set() else first).set()

    channel = bound(context, endpoint, receive)
    client = connect(context, endpoint, b"d")
    client.send(b"one")
    await until(first)
    client.send(b"two")
    # The loop does not run from here on until the message has arrived and the send has looked.
    assert select.select([channel.fileno()], [], [], LIMIT)[0]
    assert channel.send(b"d", [b"reply"]) is Sent.OK
    assert not select.select([channel.fileno()], [], [], 0)[0], "the send did not eat the edge"
    await until(second)
    channel.close()
    client.close()


async def test_a_message_that_cannot_be_taken_does_not_stop_the_next(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str
) -> None:
    arrived, done = list[bytes](), anyio.Event()
    asyncio.get_running_loop().set_exception_handler(lambda loop, broken: None)

    def receive(identity: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        arrived.append(bytes_of(frames[0]))
        if frames[0] == b"last":
            done.set()
        if frames[0] == b"bad":
            raise OSError("planted")

    channel = bound(context, endpoint, receive)
    client = connect(context, endpoint, b"c")
    for message in (b"bad", b"next", b"bad", b"last"):
        client.send(message)
    await until(done)
    assert arrived == [b"bad", b"next", b"bad", b"last"]
    client.close()
    channel.close()


async def test_who_listens_again_keeps_the_connections_that_it_has(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str
) -> None:
    heard: dict[bytes, anyio.Event] = {name: anyio.Event() for name in (b"first", b"second", b"first again")}
    channel = bound(context, endpoint, lambda identity, frames, peer, more: heard[bytes_of(frames[0])].set())
    first = connect(context, endpoint, b"a")
    first.send(b"first")
    await until(heard[b"first"])
    listen(channel, endpoint)
    second = connect(context, endpoint, b"b")
    second.send(b"second")
    await until(heard[b"second"])
    first.send(b"first again")
    await until(heard[b"first again"])
    for identity, client in ((b"a", first), (b"b", second)):
        assert channel.send(identity, [b"hello"]) is Sent.OK
        assert await anyio.to_thread.run_sync(client.poll, int(1000 * LIMIT))
        client.close()
    channel.close()


async def test_neither_a_new_place_nor_the_end_touches_the_file(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str
) -> None:
    name = endpoint.removeprefix("ipc://")
    channel = bound(context, endpoint, lambda identity, frames, peer, more: None)
    os.unlink(name)
    os.mkdir(name)  # what it would fall over
    with socket.socket(socket.AF_UNIX) as elsewhere:
        elsewhere.bind(f"{name}.other")
        elsewhere.listen()
        channel.listen(endpoint, os.dup(elsewhere.fileno()))
    os.rmdir(name)
    os.rename(f"{name}.other", name)
    channel.close()
    await anyio.to_thread.run_sync(context.term)
    assert os.listdir(os.path.dirname(name)) == [os.path.basename(name)]


async def test_a_large_frame_goes_on_without_a_copy(
    context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str
) -> None:
    """What comes in at one channel goes out at another: Python allocates nothing of its size meanwhile."""
    megabytes = 5
    arrived, done = list[Blob](), anyio.Event()

    def receive(identity: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        arrived.extend(frames)
        if not more:
            assert onward.send(b"worker", arrived) is Sent.OK
            done.set()

    channel = bound(context, endpoint, receive)
    greeted = anyio.Event()
    onward = bound(context, f"{endpoint}w", lambda identity, frames, peer, more: greeted.set())
    worker = connect(context, f"{endpoint}w", b"worker")
    client = connect(context, endpoint, b"client")
    try:
        worker.send(b"hello")
        with anyio.fail_after(LIMIT):
            await greeted.wait()
        image = os.urandom(megabytes << 20)
        tracemalloc.start()
        client.send_multipart([b"request", image, b"small"], copy=False)
        with anyio.fail_after(LIMIT):
            await done.wait()
            got = await anyio.to_thread.run_sync(lambda: worker.recv_multipart(copy=False))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        for closing in (channel, onward, worker, client):
            closing.close()
    assert [type(frame) for frame in arrived] == [bytes, zmq.Frame, bytes]
    assert len(image) >= LARGE
    assert got[1].buffer == image
    assert peak < len(image) / 10
