"""The supervisor's two sockets together: what a worker says leaves in the same turn of the loop."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import zmq

from ai_pal.server.app.sockets import Sockets
from ai_pal.transport.channel import bytes_of
from ai_pal.transport.peer import Peer
from ai_pal.transport.run_directory import RunDirectory
from ai_pal.transport.sockets import Blob

pytestmark = pytest.mark.anyio
LIMIT = 60.0
CLIENT = b"client"


class Relay:
    """Brings what workers say to one client."""

    def __init__(self, directory: RunDirectory) -> None:
        self.happened: list[str] = []
        self.heard, self.greeted = anyio.Event(), anyio.Event()
        self._waiting: list[bytes] = []
        self.sockets = Sockets(directory, self._from_client, self._from_worker, self._flush)

    def say(self, text: bytes) -> None:
        self._waiting.append(text)
        self.sockets.request_flush()

    def _from_client(self, identity: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        self.greeted.set()

    def _from_worker(self, identity: bytes, frames: list[Blob], peer: Peer | None, more: bool) -> None:
        asyncio.get_running_loop().call_soon(self.happened.append, "the next turn")
        self.say(bytes_of(frames[0]))
        self.heard.set()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for text in waiting:
            self.happened.append("sent")
            self.sockets.front.send(CLIENT, [text])


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[RunDirectory]:
    tmp_path.chmod(0o700)
    with RunDirectory.acquire(tmp_path) as held:
        yield held


def connected(context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, name: bytes) -> "zmq.Socket[bytes]":
    socket = context.socket(zmq.DEALER)
    socket.linger, socket.identity = 0, name
    socket.connect(endpoint)
    socket.send(b"hello")
    return socket


async def test_what_a_worker_says_leaves_in_the_turn_in_which_it_was_heard(directory: RunDirectory) -> None:
    relay = Relay(directory)
    with zmq.Context() as context:
        client = connected(context, directory.front, CLIENT)
        with anyio.fail_after(LIMIT):
            await relay.greeted.wait()
        worker = connected(context, directory.workers, b"worker")
        with anyio.fail_after(LIMIT):
            await relay.heard.wait()
        await anyio.lowlevel.checkpoint()
        assert relay.happened == ["sent", "the next turn"]
        assert client.poll(int(LIMIT * 1000))
        assert client.recv() == b"hello"
        worker.close(0)
        client.close(0)
        relay.sockets.close()
        await asyncio.to_thread(relay.sockets.wait)


async def test_what_nobody_has_said_just_now_leaves_in_a_turn_of_its_own(directory: RunDirectory) -> None:
    relay = Relay(directory)
    with zmq.Context() as context:
        client = connected(context, directory.front, CLIENT)
        with anyio.fail_after(LIMIT):
            await relay.greeted.wait()
        relay.say(b"late")
        assert not relay.happened
        with anyio.fail_after(LIMIT):
            while not relay.happened:
                await anyio.lowlevel.checkpoint()
        assert client.poll(int(LIMIT * 1000))
        assert client.recv() == b"late"
        client.close(0)
        relay.sockets.close()
        await asyncio.to_thread(relay.sockets.wait)
