"""Looking on: a whole picture, then each change; who does not read costs nothing, and no words are told."""

from typing import Any

import msgspec
import pytest

from ai_pal.client.scene import Scene
from ai_pal.errors import Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.server.services import subscriptions
from ai_pal.server.services.activity import HAPPENS
from tests.endpoints import Endpoint, refusal

ANN, BOB = b"ann", b"bob"
CANARY = "the-prompt-canary-51c0"
HI = [Message("user", CANARY)]


@pytest.fixture
def endpoint() -> Endpoint:
    """Ann looks on, later; Bob asks."""
    endpoint = Endpoint(silent=True)
    for client in (ANN, BOB):
        endpoint.send(client, wire.Hello(wire.PROTOCOL, "1", client.decode()))
    endpoint.settle()
    return endpoint


def look_on(endpoint: Endpoint) -> None:
    endpoint.send(ANN, wire.Subscribe(1))
    endpoint.settle()


def told(endpoint: Endpoint) -> list[Any]:
    return [one for one in endpoint.events(ANN) if isinstance(one, wire.Picture | wire.Changes)]


def scene(endpoint: Endpoint) -> Scene:
    found = Scene()
    for event in told(endpoint):
        found.take(event)
    return found


def phases(endpoint: Endpoint, kind: str) -> list[str]:
    """Those of the requests of this kind, each once in a row."""
    every = [one.phase for event in told(endpoint) for one in event.requests if one.kind == kind]
    return [phase for n, phase in enumerate(every) if n == 0 or every[n - 1] != phase]


def test_the_first_is_all_there_is(endpoint: Endpoint) -> None:
    endpoint.send(BOB, wire.Chat(1, HI, "echo"), wire.Pull(2, "far"))
    endpoint.clock.run(endpoint.clock.now() + 1)
    look_on(endpoint)
    (picture,) = told(endpoint)
    assert isinstance(picture, wire.Picture)
    assert [(one.kind, one.phase, one.client, one.pid) for one in picture.requests] == [
        ("chat", "loading", "bob", 1),
        ("pull", "pulling", "bob", 1),
    ]
    assert [(one.model, one.state) for one in picture.models] == [("echo", "starting")]
    assert [(one.model, one.followers) for one in picture.downloads] == [("far", 1)]
    assert (picture.version, picture.clients, picture.free, picture.missed) == ("1.0", 2, 10**9, 0)


def test_each_change_is_told_until_the_end(endpoint: Endpoint) -> None:
    look_on(endpoint)
    endpoint.send(BOB, wire.Chat(1, HI, "echo", deadline=5.0), wire.Pull(2, "far"), wire.Load(3, "echo"))
    endpoint.clock.run(endpoint.clock.now() + 4)
    assert phases(endpoint, "chat") == ["asked", "accepted", "loading"]
    seen = scene(endpoint)
    assert list(seen.models) == ["echo"]
    assert list(seen.downloads) == ["far"]
    assert len(seen.requests) == 3
    endpoint.send(BOB, wire.Cancel(2), wire.Cancel(3))
    endpoint.clock.run(endpoint.clock.now() + 2)
    assert phases(endpoint, "chat")[-1] == "failed"
    assert phases(endpoint, "pull") == ["asked", "pulling", "cancelled"]
    assert phases(endpoint, "load")[-1] == "cancelled"
    seen = scene(endpoint)
    assert not seen.requests
    assert not seen.downloads
    assert {one.code for one in seen.ended} == {Code.DEADLINE_EXCEEDED, ""}
    assert [one.kind for one in seen.happened] == ["pull_stopped"]


def test_a_model_that_is_gone_says_why(endpoint: Endpoint) -> None:
    look_on(endpoint)
    endpoint.send(BOB, wire.Load(1, "echo"))
    endpoint.clock.run(endpoint.clock.now() + 1)
    endpoint.send(BOB, wire.Unload(2))
    endpoint.clock.run(endpoint.clock.now() + 60)
    models = [one for event in told(endpoint) for one in event.models]
    assert models[-1].state == wire.GONE
    assert models[-1].reason
    assert not scene(endpoint).models


def test_what_a_client_leaves_behind_has_ended(endpoint: Endpoint) -> None:
    look_on(endpoint)
    endpoint.send(BOB, wire.Chat(1, HI, "echo"), wire.Goodbye())
    endpoint.settle()
    assert phases(endpoint, "chat")[-1] == "cancelled"
    assert not list(endpoint.activity)


def test_who_does_not_read_lets_nothing_wait_and_gets_a_picture_again(endpoint: Endpoint) -> None:
    look_on(endpoint)
    endpoint.deaf.add(ANN)
    waiting = set()
    for number in range(1, 300):
        endpoint.send(BOB, wire.Chat(number, HI, "echo"), wire.Cancel(number))
        endpoint.clock.run(endpoint.clock.now() + 0.1)
        waiting.add(endpoint.front.unread(ANN))
    assert 0 < max(waiting) < 2000
    before = len(told(endpoint))
    endpoint.send(BOB, wire.Load(300, "echo"))
    endpoint.deaf.clear()
    endpoint.clock.run(endpoint.clock.now() + 1)
    late = told(endpoint)[before:]
    pictures = [one for one in late if isinstance(one, wire.Picture)]
    assert len(pictures) == 1
    assert pictures[0].missed > 299
    assert [one.kind for one in scene(endpoint).requests.values()] == ["load"]
    endpoint.send(BOB, wire.Cancel(300))
    endpoint.settle()
    assert phases(endpoint, "load")[-1] == "cancelled", "and hears of what follows"


def test_what_was_so_between_two_looks_is_not_shown_for_ever(endpoint: Endpoint) -> None:
    look_on(endpoint)
    endpoint.send(BOB, wire.Chat(1, HI, "echo"))
    endpoint.clock.run(endpoint.clock.now() + 1)
    endpoint.send(BOB, wire.Chat(2, HI, "echo"))
    endpoint.send(ANN, wire.Subscribe(2))
    endpoint.send(BOB, wire.Cancel(2))
    endpoint.clock.run(endpoint.clock.now() + 1)
    seen = Scene()
    for event in told(endpoint):
        if event.id == 2:
            seen.take(event)
    assert seen.models["echo"].queued == 1


def test_nothing_is_told_while_nothing_happens(endpoint: Endpoint) -> None:
    look_on(endpoint)
    endpoint.clock.run(endpoint.clock.now() + 100)
    assert len(told(endpoint)) == 1


def test_time_and_a_little_memory_are_no_news() -> None:
    idle = wire.WorkerStatus("m", "ready", memory=160_000_000, idle_for=1.0, unloads_in=9.0)
    replace = msgspec.structs.replace
    assert subscriptions.differs(idle, None)
    assert not subscriptions.differs(replace(idle, idle_for=2.0, unloads_in=8.0, memory=160_100_000), idle)
    for news in ({"idle_for": None}, {"unloads_in": None}, {"state": "busy"}, {"memory": 200_000_000}):
        assert subscriptions.differs(replace(idle, **news), idle)


def collected(endpoint: Endpoint) -> bool:
    return endpoint.activity.onlooker is not None


def test_nothing_is_collected_while_nobody_looks_on(endpoint: Endpoint) -> None:
    assert not collected(endpoint)
    look_on(endpoint)
    endpoint.send(ANN, wire.Subscribe(2))
    assert collected(endpoint)
    endpoint.send(ANN, wire.Cancel(1))
    assert collected(endpoint)
    endpoint.send(ANN, wire.Goodbye())
    assert not collected(endpoint)


def test_so_many_look_on_and_no_more(endpoint: Endpoint) -> None:
    endpoint.send(ANN, *(wire.Subscribe(number) for number in range(1, subscriptions.MOST + 2)))
    assert refusal(endpoint.last(ANN)) == Code.OVERLOADED


def test_nobodys_words_are_told(endpoint: Endpoint) -> None:
    look_on(endpoint)
    endpoint.send(BOB, wire.Chat(1, HI, "echo"), wire.Chat(2, HI, "no such"), wire.Complete(3, CANARY))
    endpoint.settle()
    for event in (*HAPPENS, "prompt", "worker_exited", "request_ended"):  # what a server says may repeat it
        machine = event in ("model_evicted", "load_waits", "load_refused")
        fields = {"reason": "is large" if machine else CANARY, "messages": [CANARY], "detail": CANARY}
        endpoint.activity.observed(event, {"model": "m", "code": "internal", **fields})
    standing = next(iter(endpoint.activity))
    endpoint.activity.told(standing, wire.Notice(1, "fallback", CANARY))
    endpoint.activity.told(standing, wire.Failed(1, [Failure(Code.PROVIDER_ERROR, CANARY, CANARY)]))
    endpoint.settle()
    seen = scene(endpoint)
    assert {"evicted", "fallback", "died"} <= {one.kind for one in seen.happened}
    assert "provider_error" in {one.code for one in seen.ended}
    assert CANARY.encode() not in b"".join(map(msgspec.msgpack.encode, told(endpoint)))


def test_what_happened_before_is_told_to_who_comes_later(endpoint: Endpoint) -> None:
    for number in range(30):
        endpoint.activity.observed("model_evicted", {"model": f"m{number}", "reason": "no room"})
    endpoint.clock.run(endpoint.clock.now() + 7)
    look_on(endpoint)
    (picture,) = told(endpoint)
    assert [one.model for one in picture.happened] == [f"m{number}" for number in range(10, 30)]
    assert {(one.kind, one.reason, round(one.seconds)) for one in picture.happened} == {
        ("evicted", "no room", 7)
    }


def test_memory_and_who_serves_are_news_when_they_change(endpoint: Endpoint) -> None:
    look_on(endpoint)
    endpoint.free -= subscriptions.NOTABLE // 2
    endpoint.clock.run(endpoint.clock.now() + 1)
    assert len(told(endpoint)) == 1, "a little comes and goes"
    endpoint.free -= subscriptions.NOTABLE
    endpoint.clock.run(endpoint.clock.now() + 1)
    endpoint.send(b"web", wire.Hello(wire.PROTOCOL, "1", "gateway", ["http://127.0.0.1:1"]))
    endpoint.clock.run(endpoint.clock.now() + 1)
    seen = scene(endpoint)
    assert seen.free == endpoint.free
    assert [one.address for one in seen.gateways] == ["http://127.0.0.1:1"]
    assert seen.clients == len(endpoint.front)
    assert len(told(endpoint)) == 3
