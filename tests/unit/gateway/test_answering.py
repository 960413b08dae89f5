"""An answer on its way out: its status, its signs of life, its one end."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway import answering
from ai_pal.gateway.answering import LEFT, Outgoing, Streamed
from ai_pal.gateway.openai.chat_answer import DONE, ChatStream
from ai_pal.protocol import client as wire

STARTED = wire.Started(1, 1, "local", "m")
FAILED = wire.Failed(1, [Failure(Code.OVERLOADED, "full", retryable=True)])
BEGIN: list[wire.AnyEvent] = [STARTED, wire.Delta(1, 0, 1, "hi")]
DEATH = AiPalError(Failure(Code.SUPERVISOR_LOST, "gone", retryable=True))


class Scripted:
    """An answer whose batches are these; a failure among them is raised, `None` waits until it is nudged."""

    def __init__(self, *batches: Sequence[wire.AnyEvent] | AiPalError | None) -> None:
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
        if isinstance(batch, AiPalError):
            raise batch
        return list(batch)

    def nudge(self) -> None:
        self._nudged.set()

    async def aclose(self) -> None:
        self.closed = True


class Wire:
    """What was sent; the client is there until `leaves` is set."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.leaves = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def ends(self) -> int:
        bodies = [message for message in self.sent if message["type"] == "http.response.body"]
        return sum(not message["more_body"] for message in bodies)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "PATIENCE", 0.02)
    monkeypatch.setattr(answering, "ALIVE", 0.02)


def run(answer: Scripted, wire_: Wire) -> AiPalError | None:
    async def stream() -> None:
        writer = ChatStream("c", "m", 0, include_usage=False)
        await Streamed(answer, writer, Outgoing(wire_.receive, wire_.send)).run()  # type: ignore[arg-type]

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
