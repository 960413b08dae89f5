"""The one reader of sockets on a loop, over each kind of socket: no message waits for ever."""

import asyncio
import select
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
import zmq

from ai_pal.transport.reader import DRAIN_LIMIT, SocketReader
from ai_pal.transport.sockets import configure

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]
LIMIT = 60.0
COUNT = 1000


class Pair:
    """Two connected sockets, and what `near` has heard."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", kind: int, endpoint: str) -> None:
        self.near, self.far = context.socket(kind), context.socket(kind)
        for socket in (self.near, self.far):
            configure(socket)
            socket.sndhwm = socket.rcvhwm = 0
        self.near.bind(endpoint)
        self.far.connect(endpoint)
        self.heard: list[bytes] = []
        self.arrived = anyio.Event()
        self.empty = False

    def take(self) -> int:
        self.heard.append(self.near.recv(zmq.DONTWAIT))
        self.empty = False
        self.arrived.set()
        return len(self.heard[-1])

    def drained(self) -> None:
        self.empty = True
        self.arrived.set()

    async def until(self, count: int, *, empty: bool = False) -> None:
        """Wait for so many messages, and for the reader to have found that no more is there: a turn that
        took longer than it may has not looked yet, and the next message has no edge."""
        with anyio.fail_after(LIMIT):
            while len(self.heard) < count or (empty and not self.empty):
                self.arrived = anyio.Event()
                await self.arrived.wait()


@pytest.fixture(params=[zmq.DEALER, zmq.PAIR], ids=["dealer", "pair"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    with zmq.Context() as context:
        pair = Pair(context, request.param, f"ipc://{tmp_path}/s")
        yield pair
        pair.near.close(0)
        pair.far.close(0)


async def test_what_waits_before_there_is_a_reader_is_read(pair: Pair) -> None:
    pair.far.send(b"early")
    assert pair.near.poll(60_000)  # eats the edge
    reader = SocketReader(pair.near, pair.take)
    await pair.until(1)
    reader.close()


async def test_a_message_whose_edge_a_send_has_eaten_is_read(pair: Pair) -> None:
    reader = SocketReader(pair.near, pair.take, pair.drained)
    pair.far.send(b"one")
    await pair.until(1, empty=True)
    pair.far.send(b"two")
    # The loop does not run from here on until the message has arrived and the send has looked.
    assert select.select([reader.fileno()], [], [], LIMIT)[0]
    pair.near.send(b"reply", zmq.DONTWAIT)
    assert not select.select([reader.fileno()], [], [], 0)[0], "the send did not eat the edge"
    reader.look()
    await pair.until(2)
    reader.close()


async def test_a_turn_is_bounded_and_nothing_is_lost(pair: Pair) -> None:
    for number in range(COUNT):
        pair.far.send(b"%d" % number)
    turns = [0]
    loop = asyncio.get_running_loop()

    def turn() -> None:
        turns.append(len(pair.heard))
        if len(pair.heard) < COUNT:
            loop.call_soon(turn)

    reader = SocketReader(pair.near, pair.take)
    loop.call_soon(turn)
    await pair.until(COUNT)
    turn()
    reader.close()
    assert pair.heard == [b"%d" % number for number in range(COUNT)]
    assert max(after - before for before, after in pairwise(turns)) <= 2 * DRAIN_LIMIT


async def test_a_message_that_cannot_be_taken_does_not_stop_the_next(pair: Pair) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda loop, broken: None)

    def take() -> int:
        size = pair.take()
        if pair.heard[-1] == b"bad":
            raise OSError("planted")
        return size

    reader = SocketReader(pair.near, take)
    for message in (b"bad", b"next", b"bad", b"last"):
        pair.far.send(message)
    await pair.until(4)
    reader.close()


async def test_the_rest_is_read_at_once_and_only_what_is_asked_for(pair: Pair) -> None:
    reader = SocketReader(pair.near, pair.take)
    for number in range(3 * DRAIN_LIMIT):
        pair.far.send(b"%d" % number)
    end = time.monotonic() + LIMIT
    while len(pair.heard) < 3 * DRAIN_LIMIT - 1 and time.monotonic() < end:
        reader.rest(3 * DRAIN_LIMIT - 1 - len(pair.heard))  # no turn of the loop in between
    assert len(pair.heard) == 3 * DRAIN_LIMIT - 1
    await pair.until(3 * DRAIN_LIMIT)
    reader.close()


async def test_a_message_whose_edge_is_eaten_by_what_a_turn_sends_first_is_read_in_that_turn(
    pair: Pair,
) -> None:
    replies: list[bytes] = []

    def reply() -> None:
        if replies:
            pair.far.send(b"two")
            assert select.select([reader.fileno()], [], [], LIMIT)[0]
            pair.near.send(replies.pop(), zmq.DONTWAIT)

    reader = SocketReader(pair.near, pair.take, pair.drained, before=reply)
    pair.far.send(b"one")
    await pair.until(1, empty=True)
    replies.append(b"reply")
    reader.turn()
    assert pair.heard == [b"one", b"two"]
    assert pair.far.poll(60_000)
    reader.close()


async def test_the_end_of_a_turn_is_told_also_where_a_message_could_not_be_taken(pair: Pair) -> None:
    ends: list[tuple[int, bool]] = []

    def take() -> int:
        pair.take()
        assert reader.in_turn
        raise OSError("planted")

    reader = SocketReader(pair.near, take, after=lambda: ends.append((len(pair.heard), reader.in_turn)))
    pair.far.send(b"bad")
    assert pair.near.poll(60_000)
    with pytest.raises(OSError, match="planted"):
        reader.turn()
    assert ends == [(1, False)]
    reader.close()


def test_there_is_one_reader() -> None:
    """Of sockets on asyncio; the worker, which is no such loop, polls, and so do the threads of a client."""
    sources = [path for path in (ROOT / "ai_pal").rglob("*.py") if ".FD" in path.read_text()]
    assert sorted(path.name for path in sources) == ["exchange.py", "reader.py"]


async def test_a_closed_reader_takes_nothing_more_and_tells_of_nothing(pair: Pair) -> None:
    moved: list[int] = []

    def take() -> int:
        reader.close()
        moved.clear()
        return pair.take()

    reader = SocketReader(pair.near, take, lambda: moved.append(1))
    await anyio.lowlevel.checkpoint()
    assert moved
    for _ in range(3):
        pair.far.send(b"x")
    await pair.until(1)
    reader.look()
    reader.rest(10)
    await anyio.lowlevel.checkpoint()
    assert (pair.heard, moved) == ([b"x"], [])
