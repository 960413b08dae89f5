"""The front door: what a client hears, and what becomes of one that breaks the rules."""

import pytest

from ai_pal.errors import Code
from ai_pal.messages import client as wire
from ai_pal.messages.chat import Message, Options
from ai_pal.transport.channel import Sent
from ai_pal.transport.peer import Peer
from tests.doors import ME, Door, refusal

ANN, BOB = b"ann", b"bob"
HI = [Message("user", "hi")]


@pytest.fixture
def door() -> Door:
    door = Door()
    door.greet(ANN)
    return door


def test_hello_is_answered_with_who_is_there(door: Door) -> None:
    welcome = door.last(ANN)
    assert isinstance(welcome, wire.Welcome)
    assert (welcome.protocol, welcome.version, welcome.pid) == (wire.PROTOCOL, "1.0", 1)


def test_another_protocol_is_refused(door: Door) -> None:
    door.send(BOB, wire.Hello(wire.PROTOCOL + 1))
    assert refusal(door.last(BOB)) == Code.PROTOCOL_MISMATCH


def test_whoever_does_not_say_hello_first_is_told_to() -> None:
    door = Door()
    door.send(BOB, wire.Status(7))
    event = door.last(BOB)
    assert refusal(event) == Code.HELLO_REQUIRED
    assert isinstance(event, wire.Failed)
    assert event.id == 7


def test_another_user_is_refused(door: Door) -> None:
    door.send(BOB, wire.Hello(wire.PROTOCOL), peer=Peer(uid=ME.uid + 1, pid=9))
    assert refusal(door.last(BOB)) == Code.NOT_OWNER
    assert len(door.front) == 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", Code.BAD_REQUEST),
        (b"\xc1", Code.BAD_REQUEST),
        (b"\x81\xa4type\xa6dances", Code.UNKNOWN_MESSAGE),
        (b"\x82\xa4type\xa4chat\xa2id\x07", Code.BAD_REQUEST),
        (b"\x83\xa4type\xa4load\xa2id\x01\xa3new" + b"\x91" * 100_000, Code.BAD_REQUEST),
        (bytes(wire.MAX_FRAME + 1), Code.FRAME_TOO_LARGE),
    ],
    ids=["empty", "reserved byte", "unknown type", "field missing", "100,000 deep", "too large"],
)
def test_what_cannot_be_taken_is_answered(door: Door, frame: bytes, code: Code) -> None:
    door.send(ANN, frame)
    assert refusal(door.last(ANN)) == code
    assert len(door.front) == 1


def test_a_refusal_names_the_request_where_it_can_be_read(door: Door) -> None:
    door.send(ANN, b"\x82\xa4type\xa4chat\xa2id\x07")
    event = door.last(ANN)
    assert isinstance(event, wire.Failed)
    assert event.id == 7


@pytest.mark.parametrize(
    "chat",
    [
        wire.Chat(0, HI),
        wire.Chat(-1, HI),
        wire.Chat(1, HI, deadline=float("nan")),
        wire.Chat(1, HI, keep_alive=float("nan")),
        wire.Chat(1, HI, max_cost=-0.01),
        wire.Route(1, HI, max_cost=-0.01),
        wire.Chat(1, HI, options=Options(max_tokens=-1)),
        wire.Chat(1, HI, options=Options(max_tokens=0)),
        wire.Chat(1, HI, options=Options(temperature=float("nan"))),
        wire.Chat(1, HI, options=Options(temperature=float("inf"))),
        wire.Chat(1, HI, options=Options(temperature=-1)),
        wire.Chat(1, HI, options=Options(top_p=0)),
        wire.Route(1, HI, options=Options(top_p=float("nan"))),
        wire.Chat(1, HI, options=Options(extra={"deep": eval("[" * 50 + "]" * 50)})),  # noqa: S307
    ],
    ids=repr,
)
def test_a_chat_that_makes_no_sense_is_refused(door: Door, chat: wire.Chat) -> None:
    door.send(ANN, chat)
    assert refusal(door.last(ANN)) == Code.BAD_REQUEST
    assert not len(door.supervisor.requests)


def test_an_id_in_use_is_refused_and_the_first_request_lives(door: Door) -> None:
    door.send(ANN, wire.Chat(1, HI), wire.Chat(1, HI))
    assert refusal(door.last(ANN)) == Code.DUPLICATE_ID
    assert len(door.supervisor.requests) == 1


def test_two_clients_may_use_the_same_id(door: Door) -> None:
    door.greet(BOB)
    door.send(ANN, wire.Chat(1, HI))
    door.send(BOB, wire.Chat(1, HI))
    assert len(door.supervisor.requests) == 2


def test_what_waits_together_goes_out_together(door: Door) -> None:
    door.send(ANN, wire.Status(1), wire.Status(2), wire.Status(3))
    door.settle()
    assert door.sizes[-1] == 3


def test_goodbye_cancels_what_is_open(door: Door) -> None:
    door.send(ANN, wire.Chat(1, HI))
    door.send(ANN, wire.Goodbye())
    assert not len(door.supervisor.requests)
    assert not len(door.front)


def test_a_client_whose_socket_is_gone_is_forgotten_with_its_requests(door: Door) -> None:
    door.answer = Sent.GONE
    door.send(ANN, wire.Chat(1, HI))
    door.settle()
    assert not len(door.supervisor.requests)
    assert not len(door.front)


def test_what_a_client_did_not_take_comes_when_it_reads_again(door: Door) -> None:
    door.answer = Sent.FULL
    door.send(ANN, wire.Status(1), wire.Status(2))
    door.settle()
    door.answer = Sent.OK
    door.clock.run(1.0)
    assert [event.id for event in door.events(ANN)[1:] if isinstance(event, wire.StatusReply)] == [1, 2]


def test_a_client_that_reads_late_hears_of_a_prompt_that_it_is_read_not_how_it_was(door: Door) -> None:
    door.answer = Sent.FULL
    door.send(ANN, wire.Status(1))
    door.settle()
    for done in range(10, 101, 10):
        door.front.send(ANN, wire.Reading(2, "echo", done, 100))
        door.settle()
    door.answer = Sent.OK
    door.clock.run(door.clock.now() + 1.0)
    heard = [event.done for event in door.events(ANN) if isinstance(event, wire.Reading)]
    assert heard == [100]


def test_requests_of_a_client_that_does_not_read_end_at_the_bound() -> None:
    door = Door(backlog_limit=1000)
    door.greet(ANN)
    door.answer = Sent.FULL
    door.send(ANN, wire.Chat(1, HI))
    for number in range(2, 20):
        if len(door.supervisor.requests):
            door.send(ANN, wire.Status(number))
            door.settle()
    assert not len(door.supervisor.requests)
    door.answer = Sent.OK
    door.clock.run(door.clock.now() + 1.0)
    ends = [event for event in door.events(ANN) if isinstance(event, wire.Failed)]
    assert [refusal(end) for end in ends] == [Code.CLIENT_TOO_SLOW]


def test_a_client_that_never_reads_costs_a_bounded_amount_of_memory() -> None:
    door = Door(backlog_limit=1000)
    door.greet(ANN)
    door.answer = Sent.FULL
    for number in range(1, 500):
        door.send(ANN, wire.Status(number))
        door.clock.run(door.clock.now() + 0.05)
    assert not len(door.front)


def test_stop_if_idle_is_refused_while_a_request_is_open(door: Door) -> None:
    door.send(ANN, wire.Chat(1, HI))
    door.send(ANN, wire.Stop(2, only_if_idle=True))
    assert refusal(door.last(ANN)) == Code.MODEL_BUSY
    assert door.stops == 0


def test_stop_is_confirmed_before_it_happens(door: Door) -> None:
    door.send(ANN, wire.Stop(2))
    assert isinstance(door.events(ANN)[-1], wire.Stopping)
    assert door.stops == 1
