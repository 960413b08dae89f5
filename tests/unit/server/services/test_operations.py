"""Every operation of the table keeps the promises of all: one end, cancel, goodbye, busy, time, stop."""

from typing import get_args

import msgspec
import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from tests.endpoints import Endpoint, refusal

ANN, BOB = b"ann", b"bob"
HI = [Message("user", "hi")]
LONG = 1000.0
"""Seconds in which whatever stands still is found."""

STAYS_OPEN: dict[type[wire.Request], wire.Request] = {
    wire.Chat: wire.Chat(1, HI, "echo"),
    wire.Complete: wire.Complete(1, "once upon", model="echo"),
    wire.Embed: wire.Embed(1, ["a"], "echo"),
    wire.Rerank: wire.Rerank(1, "what", ["a"]),
    wire.CountTokens: wire.CountTokens(1, HI),
    wire.Load: wire.Load(1, "echo"),
    wire.Unload: wire.Unload(1),
    wire.Pull: wire.Pull(1, "far"),
    wire.Providers: wire.Providers(1),
    wire.Models: wire.Models(1),
    wire.Subscribe: wire.Subscribe(1),
    wire.Search: wire.Search(1, "qwen"),
    wire.Revisions: wire.Revisions(1, ["org/name"]),
    wire.Calibrate: wire.Calibrate(1, "echo"),
}
"""A request of each kind that is not answered at once, where no process says anything."""

LOOKS_ON: frozenset[type[wire.Request]] = frozenset({wire.Subscribe})
"""Those that want nothing done: no supervisor stays for them, and time does not end them."""

AT_ONCE: dict[type[wire.Request], wire.Request] = {
    wire.Route: wire.Route(1, HI),
    wire.Status: wire.Status(1),
    wire.Stop: wire.Stop(1),
    wire.CallOff: wire.CallOff(1, ""),
    wire.Rate: wire.Rate(1, 2, True),
    wire.Drain: wire.Drain(1, "b"),
}

TABLE = list(Endpoint().front.operations)
STAYING = [kind for kind in TABLE if kind not in AT_ONCE]


def name(kind: type[wire.Request]) -> str:
    return str(kind.__struct_config__.tag)


every = pytest.mark.parametrize("kind", STAYING, ids=name)
wanting = pytest.mark.parametrize("kind", [kind for kind in STAYING if kind not in LOOKS_ON], ids=name)


def asked(kind: type[wire.Request], **fields: object) -> Endpoint:
    """An endpoint at which Ann has such a request open, with id 1 and these fields."""
    endpoint = Endpoint(silent=True)
    endpoint.greet(ANN)
    endpoint.greet(BOB)
    if kind is wire.Unload:  # something to unload, of Bob's
        endpoint.send(BOB, wire.Load(9, "echo"))
        endpoint.settle()
        endpoint.send(BOB, wire.Cancel(9))
    endpoint.settle()
    endpoint.send(ANN, msgspec.structs.replace(STAYS_OPEN[kind], **fields))
    endpoint.settle()
    return endpoint


def ends(endpoint: Endpoint) -> list[msgspec.Struct]:
    return [event for event in endpoint.events(ANN) if type(event) in wire.ENDING]


def test_every_request_has_its_end_and_its_service() -> None:
    assert set(get_args(wire.AnyRequest)) == {*wire.ENDS, wire.Hello, wire.Cancel, wire.Goodbye}
    assert set(TABLE) == set(wire.ENDS)
    assert set(STAYING) == set(STAYS_OPEN), "a new operation needs a request here that stays open"


@pytest.mark.parametrize("kind", AT_ONCE, ids=name)
def test_what_is_answered_at_once_leaves_nothing_open(kind: type[wire.Request]) -> None:
    endpoint = Endpoint(silent=True)
    endpoint.greet(ANN)
    endpoint.send(ANN, AT_ONCE[kind])
    endpoint.settle()
    assert [type(event) for event in ends(endpoint)] == [wire.ENDS[kind]]
    assert not endpoint.front.open_requests


@wanting
def test_an_open_request_keeps_the_supervisor(kind: type[wire.Request]) -> None:
    endpoint = asked(kind)
    assert not ends(endpoint)
    assert endpoint.front.open_requests == 1
    service = endpoint.front.operations.of(STAYS_OPEN[kind])
    assert service is not None
    assert service.busy
    endpoint.send(BOB, wire.Stop(3, only_if_idle=True))
    assert refusal(endpoint.last(BOB)) == Code.MODEL_BUSY
    assert not endpoint.stops


@pytest.mark.parametrize("kind", LOOKS_ON, ids=name)
def test_who_looks_on_keeps_no_supervisor(kind: type[wire.Request]) -> None:
    endpoint = asked(kind)
    endpoint.clock.run(LONG)
    assert not ends(endpoint)
    assert not endpoint.front.open_requests
    assert not endpoint.front.operations.busy
    endpoint.send(BOB, wire.Goodbye())
    assert not endpoint.front.used
    endpoint.send(ANN, wire.Stop(3, only_if_idle=True))
    assert isinstance(endpoint.last(ANN), wire.Stopping)
    assert endpoint.stops


@pytest.mark.parametrize("kind", LOOKS_ON, ids=name)
def test_who_looks_on_is_told_as_time_passes(kind: type[wire.Request]) -> None:
    endpoint = asked(kind)
    endpoint.send(BOB, wire.Load(9, "echo"))
    endpoint.settle()
    heard = len(endpoint.events(ANN))
    endpoint.clock.run(endpoint.clock.now() + 1.0)
    assert len(endpoint.events(ANN)) > heard


@every
@pytest.mark.parametrize("second", TABLE, ids=name)
def test_an_open_id_is_taken_by_no_other_request(
    kind: type[wire.Request], second: type[wire.Request]
) -> None:
    endpoint = asked(kind)
    endpoint.send(ANN, (STAYS_OPEN | AT_ONCE)[second])
    last = endpoint.last(ANN)
    assert refusal(last) == Code.DUPLICATE_ID
    assert isinstance(last, wire.Failed)
    assert last.id == 0
    assert not ends(endpoint)[:-1]
    assert endpoint.front.open_requests == (kind not in LOOKS_ON)


@every
def test_cancel_ends_it_once_and_its_id_is_free(kind: type[wire.Request]) -> None:
    endpoint = asked(kind)
    endpoint.send(ANN, wire.Cancel(1), wire.Cancel(1))
    endpoint.clock.run(LONG)
    assert [type(event) for event in ends(endpoint)] == [wire.Cancelled]
    assert not endpoint.front.open_requests
    endpoint.send(ANN, wire.Status(1))
    assert isinstance(endpoint.last(ANN), wire.StatusReply)


@every
def test_for_somebody_else_it_ends_once_with_the_reason(kind: type[wire.Request]) -> None:
    endpoint, reason = asked(kind), Failure(Code.CANCELLED, "Bob wants it")
    service = endpoint.front.operations.of(STAYS_OPEN[kind])
    assert service is not None
    assert service.cancel(ANN, 1, reason)
    assert not service.cancel(ANN, 1, reason)
    endpoint.clock.run(LONG)
    (end,) = ends(endpoint)
    assert isinstance(end, wire.Failed)
    assert end.reasons[-1] == reason
    assert not endpoint.front.open_requests


@every
def test_goodbye_ends_it_without_a_word(kind: type[wire.Request]) -> None:
    endpoint = asked(kind)
    heard = len(endpoint.events(ANN))
    endpoint.send(ANN, wire.Goodbye())
    assert not endpoint.front.open_requests
    endpoint.greet(ANN)
    endpoint.clock.run(LONG)
    assert [type(event) for event in endpoint.events(ANN)[heard:]] == [wire.Welcome]


@every
def test_a_client_that_does_not_read_is_told_why_it_ended(kind: type[wire.Request]) -> None:
    endpoint = asked(kind)
    endpoint.front.operations.client_gone(ANN, Failure(Code.CLIENT_TOO_SLOW, "read faster"))
    endpoint.clock.run(LONG)
    assert [refusal(event) for event in ends(endpoint)] == [Code.CLIENT_TOO_SLOW]
    assert not endpoint.front.open_requests


@wanting
def test_what_stands_still_ends_when_its_time_has_come(kind: type[wire.Request]) -> None:
    endpoint = asked(kind)
    endpoint.clock.run(LONG)
    assert len(ends(endpoint)) == 1
    assert not endpoint.front.open_requests


@pytest.mark.parametrize("kind", [kind for kind in STAYING if "deadline" in kind.__struct_fields__], ids=name)
def test_a_deadline_is_kept(kind: type[wire.Request]) -> None:
    endpoint = asked(kind, deadline=2.0)
    endpoint.clock.run(endpoint.clock.now() + 2.1)
    assert [refusal(event) for event in ends(endpoint)] == [Code.DEADLINE_EXCEEDED]


@every
def test_a_supervisor_that_stops_ends_it(kind: type[wire.Request]) -> None:
    endpoint = asked(kind)
    endpoint.front.operations.shutdown(1.0)
    endpoint.clock.run(endpoint.clock.now() + 20.0)
    assert len(ends(endpoint)) == 1
    assert not endpoint.front.operations.busy
    endpoint.send(ANN, STAYS_OPEN[kind])
    endpoint.settle()
    assert len(ends(endpoint)) == 2
    assert not endpoint.front.open_requests


@pytest.mark.parametrize(
    "request_",
    [
        wire.Load(1, "far", pull=True),
        wire.Chat(1, HI, "far", pull=True),
        wire.Embed(1, ["a"], "far", pull=True),
        wire.Rerank(1, "q", ["a"], "far", pull=True),
        wire.Complete(1, "a", model="far", pull=True),
    ],
    ids=lambda request: name(type(request)),
)
def test_what_is_downloaded_first_is_cancelled_with_its_request(request_: wire.Request) -> None:
    endpoint = Endpoint(silent=True)
    endpoint.greet(ANN)
    endpoint.send(ANN, request_)
    endpoint.settle()
    assert len(endpoint.downloads) == 1
    endpoint.send(ANN, wire.Cancel(1))
    assert isinstance(endpoint.last(ANN), wire.Cancelled)
    assert len(endpoint.downloads) == 0
    assert not endpoint.front.open_requests


def test_a_load_that_waits_for_a_process_is_no_idleness() -> None:
    endpoint = asked(wire.Load)
    while any(worker.process is not None for worker in endpoint.supervisor.pool):  # until it is given up
        endpoint.clock.run(endpoint.clock.now() + 0.01)
    assert not ends(endpoint)
    endpoint.send(BOB, wire.Stop(3, only_if_idle=True))
    assert refusal(endpoint.last(BOB)) == Code.MODEL_BUSY


def test_a_refusal_does_not_end_what_is_open_with_its_id() -> None:
    endpoint = asked(wire.Chat)
    endpoint.send(ANN, b"\x82\xa4type\xa4chat\xa2id\x01")
    last = endpoint.last(ANN)
    assert isinstance(last, wire.Failed)
    assert (last.id, refusal(last)) == (0, Code.BAD_REQUEST)
    assert endpoint.front.open_requests == 1


def test_who_looks_on_can_have_anothers_request_stopped() -> None:
    endpoint = asked(wire.Chat)
    (key,) = [standing.key for standing in endpoint.activity]
    endpoint.send(BOB, wire.Hello(wire.PROTOCOL, "1", "top"), wire.CallOff(5, key), wire.CallOff(6, key))
    endpoint.settle()
    told = [event for event in endpoint.events(BOB) if isinstance(event, wire.CalledOff)]
    assert told == [wire.CalledOff(5, key, True), wire.CalledOff(6, key, False)]
    (end,) = ends(endpoint)
    assert refusal(end) == Code.CANCELLED
    assert isinstance(end, wire.Failed)
    assert end.reasons[-1].message == "top (pid 1) stopped this request"
    assert not endpoint.front.open_requests


@pytest.mark.parametrize("key", ["", ".", "zz.1", f"{ANN.hex()}", f"{ANN.hex()}.x", f"{ANN.hex()}.2", "ff.1"])
def test_a_key_of_nothing_stops_nothing(key: str) -> None:
    endpoint = asked(wire.Chat)
    endpoint.send(BOB, wire.CallOff(5, key))
    assert endpoint.last(BOB) == wire.CalledOff(5, key, False)
    assert endpoint.front.open_requests == 1


def test_who_looks_on_is_not_stopped_by_others() -> None:
    endpoint = asked(wire.Subscribe)
    endpoint.send(BOB, wire.CallOff(5, f"{ANN.hex()}.1"))
    assert endpoint.last(BOB) == wire.CalledOff(5, f"{ANN.hex()}.1", False)
    assert not ends(endpoint)
