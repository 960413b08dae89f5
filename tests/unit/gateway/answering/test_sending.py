"""An answer on its way out: its status, its signs of life, its one end."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from ai_pal.client.answer import Answer
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.answering import outgoing, sending
from ai_pal.gateway.answering.outgoing import Outgoing
from ai_pal.gateway.answering.sending import Streamed
from ai_pal.gateway.entrance import tell_failure
from ai_pal.gateway.ollama.answers import Lines
from ai_pal.gateway.openai.chat_answer import DONE, ChatStream
from ai_pal.gateway.openai.errors import error_body
from ai_pal.gateway.wire.asgi import LEFT
from ai_pal.protocol import client as wire

STARTED = wire.Started(1, 1, "local", "m")
FAILED = wire.Failed(1, [Failure(Code.OVERLOADED, "full", retryable=True)])
BEGIN: list[wire.AnyEvent] = [STARTED, wire.Delta(1, 0, 1, "hi")]
DEATH = AiPalError(Failure(Code.SUPERVISOR_LOST, "gone", retryable=True))


class Scripted:
    """An answer whose batches are these; a failure among them is raised, `None` waits until it is nudged."""

    def __init__(self, *batches: Sequence[wire.AnyEvent] | Exception | None) -> None:
        self._batches = list(batches)
        self._nudged = asyncio.Event()
        self.closed = False

    @property
    def over(self) -> bool:
        return not self._batches

    async def batch(self) -> list[wire.AnyEvent]:
        self._nudged.clear()
        batch = self._batches.pop(0)
        if batch is None:
            await self._nudged.wait()
            return []
        if isinstance(batch, Exception):
            raise batch
        return list(batch)

    def nudge(self) -> None:
        self._nudged.set()

    def cancel(self) -> None:
        self._batches = [[wire.Cancelled(9)]]
        self.nudge()

    async def aclose(self) -> None:
        self.closed = True


class Wire:
    """What was sent; the client is there until `leaves` is set."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.leaves = asyncio.Event()
        self._more = asyncio.Event()

    async def has(self, pieces: int) -> None:
        """Wait until so many pieces of a body have been sent."""
        while len(self.sent) <= pieces > 0:
            self._more.clear()
            await self._more.wait()

    async def receive(self) -> dict[str, Any]:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        self._more.set()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def ends(self) -> int:
        bodies = [message for message in self.sent if message["type"] == "http.response.body"]
        return sum(not message["more_body"] for message in bodies)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 0.02)
    monkeypatch.setattr(sending, "ALIVE", 0.02)
    monkeypatch.setattr(sending, "LOOK", 0.02)


def run(answer: Scripted, wire_: Wire) -> AiPalError | None:
    async def stream() -> None:
        writer = ChatStream("c", "m", 0, include_usage=False)
        await Streamed(answer, writer, Outgoing(wire_.receive, wire_.send)).run()

    try:
        asyncio.run(stream())
    except AiPalError as error:
        assert answer.closed
        return error
    assert answer.closed
    return None


def test_an_answer_has_its_status_its_text_and_one_end() -> None:
    out = Wire()
    assert run(Scripted([STARTED, wire.Delta(1, 0, 1, "hi")], [wire.Done(1)]), out) is None
    assert out.sent[0]["status"] == 200
    assert (b"x-ai-pal-model", b"m") in out.sent[0]["headers"]
    assert b'"content":"hi"' in out.body
    assert out.body.endswith(DONE)
    assert out.ends == 1


@pytest.mark.parametrize("end", [[FAILED], DEATH])
def test_what_fails_at_once_can_still_be_a_status(end: Any) -> None:
    out = Wire()
    assert run(Scripted(end), out) is not None
    assert out.sent == []


@pytest.mark.parametrize("end", [[FAILED], DEATH, [wire.Interrupted(1, DEATH.failure)]])
def test_what_fails_late_is_the_last_event(end: Any) -> None:
    out = Wire()
    assert run(Scripted([wire.Loading(1, "m", 0.5)], None, None, end), out) is None
    assert out.sent[0]["status"] == 200
    first, *_, last = out.body.decode().strip().split("\n\n")
    assert first == ": loading m, 50%"
    assert last.startswith('data: {"error":')
    assert b"[DONE]" not in out.body
    assert out.ends == 1


def test_silence_is_broken_until_the_answer_goes_on() -> None:
    out = Wire()
    assert run(Scripted(BEGIN, None, None, [wire.Done(1)]), out) is None
    assert out.body.count(b"\n\n: ") == 2
    assert out.body.endswith(DONE)


def test_who_leaves_gets_no_more() -> None:
    out = Wire()

    class Leaving(Scripted):
        async def batch(self) -> list[wire.AnyEvent]:
            events = await super().batch()
            out.leaves.set()
            return events

    assert run(Leaving(BEGIN, None, [wire.Delta(1, 1, 1, "more")], [wire.Done(1)]), out) is LEFT
    assert b"more" not in out.body
    assert out.ends == 0


class Slow(Wire):
    """A client that takes so many seconds for each piece."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message.get("more_body"):
            await asyncio.sleep(self._seconds)


def test_who_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "UNREAD", 0.04)
    out = Slow(60.0)
    assert run(Scripted(BEGIN, [wire.Done(1)]), out) is LEFT
    assert out.ends == 0


def test_who_takes_little_at_a_time_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "UNREAD", 0.5)
    out = Slow(0.1)
    pieces = [[wire.Delta(1, number, 1, "more")] for number in range(1, 7)]
    assert run(Scripted(BEGIN, *pieces, [wire.Done(1)]), out) is None
    assert out.body.count(b"more") == 6


def test_a_fault_of_ours_in_a_stream_is_its_last_event_too() -> None:
    out = Wire()
    assert run(Scripted(BEGIN, ZeroDivisionError()), out) is None
    assert "the gateway failed (ZeroDivisionError)" in out.body.decode().strip().rpartition("\n")[2]
    assert out.ends == 1
    with pytest.raises(ZeroDivisionError):
        run(Scripted(ZeroDivisionError()), Wire())


def test_what_the_headers_could_not_tell_is_told_in_the_stream() -> None:
    out = Wire()
    done = wire.Done(1, cost=0.25, doubt=0.875)
    assert run(Scripted([wire.Loading(1, "m", 0.5)], None, BEGIN, [done]), out) is None
    assert not any(name.startswith(b"x-ai-pal") for name, _ in out.sent[0]["headers"])
    assert out.body.index(b": x-ai-pal-model: m\n") < out.body.index(b'"content":"hi"')
    assert b": x-ai-pal-doubt: 0.88\n" in out.body
    assert out.body.index(b": x-ai-pal-cost: 0.250000\n") < out.body.index(b'"finish_reason":"stop"')
    assert out.body.endswith(DONE)


def test_lines_of_json_tell_it_in_a_line() -> None:
    out = Wire()

    async def stream() -> None:
        answer = Scripted([wire.Loading(1, "m", 0.5)], None, BEGIN, [wire.Done(1)])
        await Streamed(answer, Lines("chat", "m", 0.0), Outgoing(out.receive, out.send)).run()

    asyncio.run(stream())
    lines = [json.loads(line) for line in out.body.splitlines()]
    assert [line["ai_pal"]["model"] for line in lines if "ai_pal" in line] == ["m"]
    assert [line["done"] for line in lines][-1:] == [True]


def whole(wire_: Wire, *, spaces: int = 2, fails: bool = False) -> None:
    """Send an answer that is there when so many signs of life have gone out."""

    class Late(Scripted):
        async def answer(self) -> Answer:
            async with asyncio.timeout(60):
                await wire_.has(spaces)
            if fails:
                raise DEATH
            return Answer(model="m", provider="local", tier=1)

        def cancel(self) -> None: ...

    async def send() -> None:
        out = Outgoing(wire_.receive, wire_.send)
        try:
            await sending.whole(Late(), ChatStream("c", "m", 0, include_usage=False), out)
        except AiPalError as error:
            await tell_failure(error_body, error, out)

    asyncio.run(send())


def test_an_answer_in_one_piece_gives_signs_of_life_that_json_may_begin_with() -> None:
    out = Wire()
    whole(out)
    assert out.sent[0]["status"] == 200
    assert not any(name == b"content-length" for name, _ in out.sent[0]["headers"])
    assert out.body.startswith(b"  ")
    told = json.loads(out.body)
    assert told["object"] == "chat.completion"
    assert told["ai_pal"]["model"] == "m"
    assert out.ends == 1


def test_what_fails_after_a_sign_of_life_is_an_error_all_the_same() -> None:
    out = Wire()
    whole(out, fails=True)
    assert json.loads(out.body)["error"]["code"] == DEATH.code
    assert out.ends == 1


def test_an_answer_at_once_has_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ALIVE", 60.0)
    out = Wire()
    whole(out, spaces=0)
    assert (b"content-length", str(len(out.body)).encode()) in out.sent[0]["headers"]
    assert (b"x-ai-pal-model", b"m") in out.sent[0]["headers"]
    assert b"ai_pal" not in out.body
