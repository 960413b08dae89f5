"""The client endpoint: what a client hears, and what becomes of one that breaks the rules."""

import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, Tool
from ai_pal.server.endpoints.clients import MOST_ADDRESSES, MOST_OF_ADDRESS
from ai_pal.server.services.operations import Operations
from ai_pal.transport.channel import Sent
from ai_pal.transport.peer import Peer
from tests.endpoints import ME, Endpoint, refusal

ANN, BOB = b"ann", b"bob"
HI = [Message("user", "hi")]


@pytest.fixture
def endpoint() -> Endpoint:
    endpoint = Endpoint()
    endpoint.greet(ANN)
    return endpoint


def test_hello_is_answered_with_who_is_there(endpoint: Endpoint) -> None:
    welcome = endpoint.last(ANN)
    assert isinstance(welcome, wire.Welcome)
    assert (welcome.protocol, welcome.version, welcome.pid) == (wire.PROTOCOL, "1.0", 1)


def gateways(endpoint: Endpoint) -> list[wire.Gateway]:
    endpoint.send(ANN, wire.Status(9))
    status = endpoint.last(ANN)
    assert isinstance(status, wire.StatusReply)
    return status.gateways


def test_who_serves_others_is_told_as_long_as_it_is_there(endpoint: Endpoint) -> None:
    assert gateways(endpoint) == []
    endpoint.send(BOB, wire.Hello(wire.PROTOCOL, serves=["http://b", "http://a"]), peer=Peer(ME.uid, 9))
    assert gateways(endpoint) == [wire.Gateway("http://a", 9), wire.Gateway("http://b", 9)]
    endpoint.send(BOB, wire.Goodbye())
    assert gateways(endpoint) == []


def test_what_one_says_that_it_serves_is_bounded(endpoint: Endpoint) -> None:
    endpoint.send(BOB, wire.Hello(wire.PROTOCOL, serves=["x" * 1000] * 100))
    found = gateways(endpoint)
    assert len(found) == MOST_ADDRESSES
    assert {len(one.address) for one in found} == {MOST_OF_ADDRESS}


def test_another_protocol_is_refused(endpoint: Endpoint) -> None:
    endpoint.send(BOB, wire.Hello(wire.PROTOCOL + 1))
    assert refusal(endpoint.last(BOB)) == Code.PROTOCOL_MISMATCH


def test_whoever_does_not_say_hello_first_is_told_to() -> None:
    endpoint = Endpoint()
    endpoint.send(BOB, wire.Status(7))
    event = endpoint.last(BOB)
    assert refusal(event) == Code.HELLO_REQUIRED
    assert isinstance(event, wire.Failed)
    assert event.id == 7


def test_another_user_is_refused(endpoint: Endpoint) -> None:
    endpoint.send(BOB, wire.Hello(wire.PROTOCOL), peer=Peer(uid=ME.uid + 1, pid=9))
    assert refusal(endpoint.last(BOB)) == Code.NOT_OWNER
    assert len(endpoint.front) == 1


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
def test_what_cannot_be_taken_is_answered(endpoint: Endpoint, frame: bytes, code: Code) -> None:
    endpoint.send(ANN, frame)
    assert refusal(endpoint.last(ANN)) == code
    assert len(endpoint.front) == 1


def test_a_refusal_names_the_request_where_it_can_be_read(endpoint: Endpoint) -> None:
    endpoint.send(ANN, b"\x82\xa4type\xa4chat\xa2id\x07")
    event = endpoint.last(ANN)
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
        wire.Chat(1, HI, options=GenerationOptions(max_tokens=-1)),
        wire.Chat(1, HI, options=GenerationOptions(max_tokens=0)),
        wire.Chat(1, HI, options=GenerationOptions(temperature=float("nan"))),
        wire.Chat(1, HI, options=GenerationOptions(temperature=float("inf"))),
        wire.Chat(1, HI, options=GenerationOptions(temperature=-1)),
        wire.Chat(1, HI, options=GenerationOptions(top_p=-0.1)),
        wire.Chat(1, HI, options=GenerationOptions(stop=[""])),
        wire.Complete(1, "hi", options=GenerationOptions(min_p=2)),
        wire.CountTokens(1, HI, options=GenerationOptions(extra={"top_k": 1})),
        wire.Chat(1, HI, options=GenerationOptions(tools=[Tool("two words")])),
        wire.Chat(1, [Message("tool", "42")]),
        wire.Complete(1, "hi", options=GenerationOptions(thinking="low")),
        wire.Embed(1, ["hi"], dimensions=-1),
        wire.Route(1, HI, options=GenerationOptions(top_p=float("nan"))),
        wire.Chat(1, HI, options=GenerationOptions(extra={"deep": eval("[" * 50 + "]" * 50)})),  # noqa: S307
    ],
    ids=repr,
)
def test_a_chat_that_makes_no_sense_is_refused(endpoint: Endpoint, chat: wire.Chat) -> None:
    endpoint.send(ANN, chat)
    assert refusal(endpoint.last(ANN)) == Code.BAD_REQUEST
    assert not len(endpoint.supervisor.requests)


def test_an_id_in_use_is_refused_and_the_first_request_lives(endpoint: Endpoint) -> None:
    endpoint.send(ANN, wire.Chat(1, HI), wire.Chat(1, HI))
    assert refusal(endpoint.last(ANN)) == Code.DUPLICATE_ID
    assert len(endpoint.supervisor.requests) == 1


def test_two_clients_may_use_the_same_id(endpoint: Endpoint) -> None:
    endpoint.greet(BOB)
    endpoint.send(ANN, wire.Chat(1, HI))
    endpoint.send(BOB, wire.Chat(1, HI))
    assert len(endpoint.supervisor.requests) == 2


def test_what_waits_together_goes_out_together(endpoint: Endpoint) -> None:
    endpoint.send(ANN, wire.Status(1), wire.Status(2), wire.Status(3))
    endpoint.settle()
    assert endpoint.sizes[-1] == 3


def test_goodbye_cancels_what_is_open(endpoint: Endpoint) -> None:
    endpoint.send(ANN, wire.Chat(1, HI))
    endpoint.send(ANN, wire.Goodbye())
    assert not len(endpoint.supervisor.requests)
    assert not len(endpoint.front)


def test_a_client_whose_socket_is_gone_is_forgotten_with_its_requests(endpoint: Endpoint) -> None:
    endpoint.answer = Sent.GONE
    endpoint.send(ANN, wire.Chat(1, HI))
    endpoint.settle()
    assert not len(endpoint.supervisor.requests)
    assert not len(endpoint.front)


def test_what_is_said_because_a_client_is_gone_leaves_in_the_same_flush(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To ask for a flush while there is one changes nothing, and nobody may come to do the next."""
    endpoint.greet(BOB)
    news = wire.Failed(7, [Failure(Code.CANCELLED, "ann has gone")])
    monkeypatch.setattr(Operations, "client_gone", lambda *_: endpoint.front.send(BOB, news))
    endpoint.gone.add(ANN)
    endpoint.front.send(ANN, news)
    endpoint.front.flush()
    assert endpoint.events(BOB)[-1] == news


def test_what_a_client_did_not_take_comes_when_it_reads_again(endpoint: Endpoint) -> None:
    endpoint.answer = Sent.FULL
    endpoint.send(ANN, wire.Status(1), wire.Status(2))
    endpoint.settle()
    endpoint.answer = Sent.OK
    endpoint.clock.run(1.0)
    assert [event.id for event in endpoint.events(ANN)[1:] if isinstance(event, wire.StatusReply)] == [1, 2]


def test_a_client_that_reads_late_hears_of_a_prompt_that_it_is_read_not_how_it_was(
    endpoint: Endpoint,
) -> None:
    endpoint.answer = Sent.FULL
    endpoint.send(ANN, wire.Status(1))
    endpoint.settle()
    for done in range(10, 101, 10):
        endpoint.front.send(ANN, wire.Reading(2, "echo", done, 100))
        endpoint.settle()
    endpoint.answer = Sent.OK
    endpoint.clock.run(endpoint.clock.now() + 1.0)
    heard = [event.done for event in endpoint.events(ANN) if isinstance(event, wire.Reading)]
    assert heard == [100]


def test_requests_of_a_client_that_does_not_read_end_at_the_bound() -> None:
    endpoint = Endpoint(backlog_limit=1000)
    endpoint.greet(ANN)
    endpoint.answer = Sent.FULL
    endpoint.send(ANN, wire.Chat(1, HI))
    for number in range(2, 20):
        if len(endpoint.supervisor.requests):
            endpoint.send(ANN, wire.Status(number))
            endpoint.settle()
    assert not len(endpoint.supervisor.requests)
    endpoint.answer = Sent.OK
    endpoint.clock.run(endpoint.clock.now() + 1.0)
    ends = [event for event in endpoint.events(ANN) if isinstance(event, wire.Failed)]
    assert [refusal(end) for end in ends] == [Code.CLIENT_TOO_SLOW]


def test_a_client_that_never_reads_costs_a_bounded_amount_of_memory() -> None:
    endpoint = Endpoint(backlog_limit=1000)
    endpoint.greet(ANN)
    endpoint.answer = Sent.FULL
    for number in range(1, 500):
        endpoint.send(ANN, wire.Status(number))
        endpoint.clock.run(endpoint.clock.now() + 0.05)
    assert not len(endpoint.front)


def test_stop_if_idle_is_refused_while_a_request_is_open(endpoint: Endpoint) -> None:
    endpoint.send(ANN, wire.Chat(1, HI))
    endpoint.send(ANN, wire.Stop(2, only_if_idle=True))
    assert refusal(endpoint.last(ANN)) == Code.MODEL_BUSY
    assert endpoint.stops == 0


def test_stop_is_confirmed_before_it_happens(endpoint: Endpoint) -> None:
    endpoint.send(ANN, wire.Stop(2))
    assert isinstance(endpoint.events(ANN)[-1], wire.Stopping)
    assert endpoint.stops == 1
