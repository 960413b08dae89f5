"""Attachments in frames of their own: gathered, counted, refused with a reason where something is wrong."""

from collections.abc import Sequence

import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import AnyPart, Audio, Image, Message, Text
from ai_pal.protocol.frames import MOST_BYTES, MOST_FRAMES, MOST_PARTS
from ai_pal.server.endpoints import clients, connections
from ai_pal.transport.sockets import Blob
from tests.endpoints import ME, Endpoint, refusal
from tests.pictures import png

ANN, BOB = b"ann", b"bob"
SOUND = Audio("audio/wav", frame=1)


class Begun:
    """A service that keeps what it is given; nothing of it ends by itself."""

    busy = True

    def __init__(self) -> None:
        self.started: list[tuple[wire.Chat, Sequence[Blob]]] = []

    def start(self, client: bytes, request: wire.Chat, blobs: Sequence[Blob] = ()) -> None:
        self.started.append((request, blobs))

    def client_gone(self, client: bytes, failure: Failure | None = None) -> None:
        """Nobody asks it."""


class Front(Endpoint):
    """An endpoint whose chats go nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = Begun()
        self.front.operations._by_type[wire.Chat] = self.begun  # type: ignore[assignment] # all that is needed
        self.greet(ANN)
        self.greet(BOB)

    def ask(self, *parts: AnyPart, blobs: Sequence[bytes] = (), number: int = 1) -> None:
        self.send(ANN, wire.Chat(number, [Message("user", [Text("what?"), *parts])]), *blobs)

    def code(self) -> str:
        return refusal(self.last(ANN))


@pytest.fixture
def front() -> Front:
    return Front()


def test_a_request_comes_with_the_frames_behind_it(front: Front) -> None:
    picture = png()
    front.ask(SOUND, Image("image/png", frame=2), Audio("audio/wav", frame=2), blobs=[b"one", picture])
    [(request, blobs)] = front.begun.started
    assert blobs == [b"one", picture]
    assert request.messages[0].parts[1] == SOUND


def test_what_comes_in_a_frame_is_looked_at(front: Front) -> None:
    front.ask(SOUND, Image("image/png", frame=2), blobs=[b"one", b"two"])
    assert front.code() == Code.IMAGE_INVALID
    assert "messages[0].content[2]" in str(front.last(ANN))
    front.ask(Image("image/png", frame=1), blobs=[png(40_000, 40_000, pixels=False)])
    assert front.code() == Code.IMAGE_TOO_LARGE
    assert not front.begun.started
    assert not front.front.open_requests


def test_requests_before_it_in_the_same_message_are_taken(front: Front) -> None:
    front.send(
        ANN, wire.Status(7), wire.Chat(1, [Message("user", [SOUND])]), b"\x82\xa4type\xa4stop\xa2id\x09"
    )
    front.settle()
    assert front.begun.started[0][1] == [b"\x82\xa4type\xa4stop\xa2id\x09"], "bytes, and no request"
    assert front.stops == 0
    assert isinstance(front.last(ANN), wire.StatusReply)


def test_frames_come_in_slices(front: Front) -> None:
    chat = wire.Chat(1, [Message("user", [Audio("audio/wav", frame=n) for n in range(1, 21)])])
    frames = [wire.encode(chat), *(bytes([n]) for n in range(20))]
    for at in range(0, 21, 8):
        front.front.received(ANN, frames[at : at + 8], ME, at + 8 < 21)
        assert bool(front.begun.started) is (at + 8 >= 21)
    assert front.begun.started[0][1] == frames[1:]


def test_a_frame_that_never_comes_is_missed_when_the_message_ends(front: Front) -> None:
    front.ask(Audio("audio/wav", frame=2), SOUND, blobs=[b"one"])
    assert front.code() == Code.BAD_REQUEST
    assert not front.begun.started
    assert not front.front.open_requests
    front.ask(SOUND, blobs=[b"one"])
    assert front.begun.started


def test_a_frame_that_nobody_refers_to_is_refused(front: Front) -> None:
    front.ask(Audio("audio/wav", frame=2), blobs=[b"one", b"two"])
    assert front.code() == Code.BAD_REQUEST
    front.ask(SOUND, blobs=[b"one", b"two"], number=2)
    assert front.code() == Code.BAD_REQUEST
    assert not front.begun.started


@pytest.mark.parametrize(
    "part",
    [
        Image("image/png"),
        Image("image/png", b"x", 1),
        Audio("audio/wav", frame=-1),
        Audio("audio/wav", frame=2**40),
    ],
    ids=["nothing", "both", "below one", "far too high"],
)
def test_a_part_without_its_bytes_is_refused(front: Front, part: Image) -> None:
    front.ask(part)
    assert front.code() == Code.BAD_REQUEST
    assert not front.begun.started


def test_too_many_parts_and_frames_are_refused(front: Front) -> None:
    front.ask(*[Text("x")] * 10_000)
    assert front.code() == Code.BAD_REQUEST
    front.ask(*[Text("x")] * (MOST_PARTS - 1))
    assert len(front.begun.started) == 1
    front.ask(SOUND, blobs=[b"x"] * 10_000, number=2)
    assert front.code() == Code.BAD_REQUEST
    assert f"{MOST_FRAMES} frames" in str(front.last(ANN))
    assert len(front.begun.started) == 1


def test_too_many_bytes_are_refused_and_let_go_of(front: Front) -> None:
    half = bytes(MOST_BYTES // 2)
    parts = [Audio("audio/wav", frame=n) for n in (1, 2, 3)]
    chat = wire.encode(wire.Chat(1, [Message("user", [*parts])]))
    front.front.received(ANN, [chat, half, half, b"x"], ME, True)
    assert not front.front._incoming[ANN].blobs
    front.front.received(ANN, [], ME, False)
    assert front.code() == Code.FRAME_TOO_LARGE
    assert not front.front._incoming


def test_what_open_requests_have_attached_is_bounded(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CLIENT_HOLDS", 25)
    monkeypatch.setattr(connections, "ALL_HOLD", 35)
    ten = [bytes(10)]
    front.ask(SOUND, blobs=ten, number=1)
    front.ask(SOUND, blobs=ten, number=2)
    front.ask(SOUND, blobs=ten, number=3)
    assert front.code() == Code.OVERLOADED
    front.front.send(ANN, wire.Done(1))
    front.ask(SOUND, blobs=ten, number=3)
    assert len(front.begun.started) == 3
    assert [len(blobs) for _, blobs in front.begun.started] == [0, 1, 1], "what has ended is let go of"
    chat = wire.Chat(1, [Message("user", [SOUND])])
    front.send(BOB, chat, bytes(10))
    front.send(BOB, wire.Chat(2, chat.messages), bytes(10))
    assert refusal(front.last(BOB)) == Code.OVERLOADED


def test_what_open_requests_say_is_bounded_too(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CLIENT_HOLDS", clients.LARGE * 2)
    for number in (1, 2, 3):
        front.send(ANN, wire.Chat(number, [Message("user", "x" * (clients.LARGE - 1000))]))
    assert len(front.begun.started) == 3, "small ones are not counted"
    for number in (4, 5):
        front.send(ANN, wire.Chat(number, [Message("user", "x" * clients.LARGE)]))
    assert front.code() == Code.OVERLOADED
    assert len(front.begun.started) == 4


def test_what_comes_behind_an_unreadable_message_is_not_obeyed(front: Front) -> None:
    front.send(ANN, b"\xc1", wire.Stop(5), bytes(10))
    front.settle()
    told = [(event.id, refusal(event)) for event in front.events(ANN)[1:] if isinstance(event, wire.Failed)]
    assert told == [(0, Code.BAD_REQUEST), (5, Code.BAD_REQUEST), (0, Code.BAD_REQUEST)]
    assert front.stops == 0
    front.send(ANN, wire.Status(6))
    assert isinstance(front.last(ANN), wire.StatusReply), "the next message is taken"


def test_a_client_that_has_not_said_hello_is_told_once(front: Front) -> None:
    front.send(b"eve", wire.Chat(1, [Message("user", [SOUND])]), b"\x81")
    front.settle()
    assert [refusal(event) for event in front.events(b"eve")] == [Code.HELLO_REQUIRED]


def test_a_client_that_leaves_lets_go_of_what_it_sent(front: Front) -> None:
    front.ask(SOUND, blobs=[b"one"])
    [(_, blobs)] = front.begun.started
    assert blobs
    front.send(ANN, wire.Goodbye())
    assert not blobs
