"""What both clients know of their connection, with events that are scripted and a clock that is a number."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.client import core
from ai_pal.client.core import CONNECTION, GOES_ON, REPLIES, SILENCE, Core, Pending
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message

GONE = Failure(Code.MODEL_NOT_FOUND, "no such model")
REQUESTS: dict[type[wire.Request], Any] = {
    wire.Chat: lambda n: wire.Chat(n, [Message("user", "hi")]),
    wire.Complete: lambda n: wire.Complete(n, "hi"),
    wire.Embed: lambda n: wire.Embed(n, ["hi"]),
    wire.Rerank: lambda n: wire.Rerank(n, "hi", ["hi"]),
    wire.CountTokens: lambda n: wire.CountTokens(n, []),
    wire.Route: lambda n: wire.Route(n, []),
    wire.CallOff: lambda n: wire.CallOff(n, "k"),
    wire.Rate: lambda n: wire.Rate(n, 1, True),
    wire.Drain: lambda n: wire.Drain(n, "b"),
}
REPLY: dict[type[wire.Event], Any] = {
    wire.Loaded: lambda n: wire.Loaded(n, "m"),
    wire.Unloaded: lambda n: wire.Unloaded(n, ["m"]),
    wire.StatusReply: lambda n: wire.StatusReply(n, "1", 1, 0.0, ""),
    wire.Pulled: lambda n: wire.Pulled(n, "m", "/m"),
    wire.Routed: lambda n: wire.Routed(n, 0.5, ""),
    wire.Embedded: lambda n: wire.Embedded(n, "m", 1, b"\0\0\0\0"),
    wire.Reranked: lambda n: wire.Reranked(n, "m", [0.5]),
    wire.Counted: lambda n: wire.Counted(n, "m", 3),
    wire.CalledOff: lambda n: wire.CalledOff(n, "k"),
    wire.Rated: wire.Rated,
    wire.Calibrated: lambda n: wire.Calibrated(n, "m", 0.7, 150),
    wire.Interrupted: lambda n: wire.Interrupted(n, GONE),
    wire.Failed: lambda n: wire.Failed(n, [GONE]),
}
KINDS = [
    kind for kind in get_args(wire.AnyRequest) if "id" in kind.__struct_fields__ and kind is not wire.Cancel
]


def nothing() -> None: ...


def started() -> Core:
    begun = Core("ipc:///nowhere/front.sock", nothing)
    begun.heard([wire.Welcome(wire.PROTOCOL, "1", 1)], 0.0)
    return begun


def request(kind: type[wire.Request], request_id: int) -> wire.Request:
    made: wire.Request = REQUESTS.get(kind, kind)(request_id)
    return made


def end(kind: type[wire.Event], request_id: int) -> Any:
    return REPLY.get(kind, kind)(request_id)


def begin(about: Core, kind: type[wire.Request] = wire.Chat, now: float = 0.0) -> Pending:
    return about.begin(request(kind, about.new_id()), now, nothing)


def taken(pending: Pending) -> list[wire.AnyEvent]:
    found = []
    while (event := pending.take()) is not None:
        found.append(event)
    return found


def failure(pending: Pending) -> str:
    with pytest.raises(AiPalError) as caught:
        pending.take()
    return caught.value.code


@pytest.mark.parametrize("kind", KINDS)
def test_a_reply_ends_its_request_and_what_comes_later_is_nobodys(kind: type[wire.Request]) -> None:
    reply = REPLIES.get(kind, wire.Done)
    about = started()
    pending = begin(about, kind)
    loading, last = wire.Loading(pending.id, "m", 0.5), end(reply, pending.id)
    about.heard([loading, last, last], 1.0)
    assert taken(pending) == [loading, last]
    assert pending.finished
    assert about.leave(pending) is None
    assert about.due() is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("last", [wire.Failed, wire.Cancelled])
def test_a_failure_and_a_cancel_end_every_request(kind: type[wire.Request], last: type[wire.Event]) -> None:
    about = started()
    pending = begin(about, kind)
    about.heard([end(last, pending.id)], 1.0)
    assert pending.ended
    if kind in REPLIES and REPLIES[kind] is not last:  # raised
        assert failure(pending) == (Code.MODEL_NOT_FOUND if last is wire.Failed else Code.CANCELLED)
    else:
        assert taken(pending) == [end(last, pending.id)]
    assert about.leave(pending) is None


@pytest.mark.parametrize("last", wire.TERMINAL)
@pytest.mark.parametrize("kind", [wire.Chat, wire.Complete])
def test_an_answer_ends_with_each_of_its_ends(kind: type[wire.Request], last: type[wire.Event]) -> None:
    about = started()
    pending = begin(about, kind)
    about.heard([end(last, pending.id)], 1.0)
    assert taken(pending) == [end(last, pending.id)]
    assert pending.finished


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_waits_for_any_more_is_cancelled_unless_it_is_to_go_on(kind: type[wire.Request]) -> None:
    about = started()
    pending = begin(about, kind)
    cancel = about.leave(pending)
    assert cancel == (None if kind in GOES_ON else wire.Cancel(pending.id))
    assert about.leave(pending) is None, "it is cancelled twice"
    about.heard([end(REPLIES.get(kind, wire.Done), pending.id)], 1.0)
    assert taken(pending) == []


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=60),
    st.lists(st.integers(1, 7), max_size=20),
)
def test_each_reader_gets_its_own_events_in_their_order(said: list[tuple[int, int]], cuts: list[int]) -> None:
    about = started()
    pending = [begin(about) for _ in range(4)]  # what is said of a fifth is nobody's
    events: list[wire.AnyEvent] = [
        wire.Done(who + 1) if what == 9 else wire.Delta(who + 1, n, 1, str(what))
        for n, (who, what) in enumerate(said)
    ]
    rest = list(events)
    for cut in [*cuts, len(events)]:
        about.heard(rest[:cut], 1.0)
        rest = rest[cut:]
    for one in pending:
        mine = [event for event in events if getattr(event, "id", 0) == one.id]
        ends = [n for n, event in enumerate(mine) if isinstance(event, wire.Done)]
        assert taken(one) == (mine[: ends[0] + 1] if ends else mine)
        assert one.finished == bool(ends)


def test_a_reader_that_is_too_slow_is_told_so_behind_what_came_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "EVENT_LIMIT", 3)
    about = started()
    slow, other = begin(about), begin(about)
    deltas = [wire.Delta(slow.id, n, 1, "x") for n in range(6)]
    about.heard(deltas[:4], 0.0)
    assert slow.take() == deltas[0]
    about.heard([*deltas[4:], wire.Done(slow.id), wire.Done(other.id)], 0.0)  # there is room, but also a gap
    assert [slow.take(), slow.take()] == deltas[1:3]
    assert failure(slow) == Code.CLIENT_TOO_SLOW
    assert about.leave(slow) == wire.Cancel(slow.id)
    assert taken(other) == [wire.Done(other.id)]


def test_who_waits_is_woken_by_events_and_by_the_end() -> None:
    woken: list[str] = []
    about = Core("ipc:///nowhere/front.sock", lambda: woken.append("greeting"))
    about.heard([wire.Welcome(wire.PROTOCOL, "1", 1)], 0.0)
    for name in "ab":
        about.begin(request(wire.Chat, about.new_id()), 0.0, lambda name=name: woken.append(name))  # type: ignore[misc]
    about.heard([wire.Delta(2, 0, 1, "x")], 0.0)
    about.over()
    assert woken == ["greeting", "b", "greeting", "a", "b"]


# -- the greeting ------------------------------------------------------------------------------


def test_a_welcome_of_another_protocol_is_none() -> None:
    about = Core("ipc:///nowhere/front.sock", nothing)
    about.heard([wire.Welcome(wire.PROTOCOL + 1, "1", 1)], 0.0)
    assert failure(about.greeting) == Code.PROTOCOL_MISMATCH


def test_who_refuses_the_greeting_says_why() -> None:
    about = Core("ipc:///nowhere/front.sock", nothing)
    about.heard([wire.Failed(CONNECTION, [Failure(Code.NOT_OWNER, "another's")])], 0.0)
    assert failure(about.greeting) == Code.NOT_OWNER


def test_what_cannot_be_told_of_one_request_ends_them_all() -> None:
    about = started()
    both = [begin(about), begin(about, wire.Load)]
    about.heard([wire.Failed(CONNECTION, [Failure(Code.FRAME_TOO_LARGE, "9 MiB")])], 1.0)
    assert [failure(one) for one in both] == [Code.FRAME_TOO_LARGE] * 2
    assert begin(about).take() is None, "the connection is not over"


# -- silence and the end -----------------------------------------------------------------------


def test_a_silent_supervisor_is_asked_and_then_given_up_and_may_come_back() -> None:
    about = started()
    pending = begin(about, now=100.0)
    assert about.due() == 100.0 + SILENCE
    assert about.tick(100.0 + SILENCE - 0.01) is None
    probe = about.tick(100.0 + SILENCE)
    assert isinstance(probe, wire.Status)
    assert about.tick(100.0 + SILENCE) is None
    assert about.due() == 100.0 + 2 * SILENCE
    assert pending.take() is None
    assert about.tick(100.0 + 2 * SILENCE) is None
    assert failure(pending) == Code.SUPERVISOR_SILENT
    assert about.leave(pending) == wire.Cancel(pending.id)
    again = begin(about, now=500.0)
    about.heard([wire.Done(again.id)], 501.0)
    assert taken(again) == [wire.Done(again.id)]


def test_any_word_keeps_a_slow_answer_waiting() -> None:
    about, now = started(), 0.0
    pending = begin(about, now=now)
    for _ in range(50):
        now += SILENCE
        probe = about.tick(now)
        assert probe is not None
        about.heard([wire.StatusReply(probe.id, "1", 1, now, "")], now)
    assert pending.take() is None


def test_silence_counts_only_while_something_is_asked() -> None:
    about = started()
    assert about.due() is None
    assert about.tick(1e6) is None
    begin(about, now=1e6)
    assert about.tick(1e6 + SILENCE - 1) is None
    about.waits(1e6 + 100)  # blocking code was busy with something else
    assert about.tick(1e6 + 101) is None


def test_the_last_words_are_heard_before_the_loss() -> None:
    about = started()
    speaking, silenced = begin(about), begin(about, wire.Pull)
    about.heard([wire.Delta(speaking.id, 0, 1, "last")], 1.0)
    about.over()
    assert speaking.take() == wire.Delta(speaking.id, 0, 1, "last")
    assert [failure(speaking), failure(silenced)] == [Code.SUPERVISOR_LOST] * 2
    with pytest.raises(AiPalError) as caught:
        begin(about)
    assert caught.value.code == Code.SUPERVISOR_LOST


def test_every_request_has_a_reply_or_ends_as_an_answer() -> None:
    answers = {wire.Chat, wire.Complete}
    assert set(KINDS) == (REPLIES.keys() - {wire.Hello}) | answers
