"""Responses in the background at two processes that share a file: either tells how one stands, follows it and
stops it, for its owner alone."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.gateway.answering import sending
from ai_pal.gateway.openai.responses.answer import ResponseStream, Wishes
from ai_pal.gateway.openai.responses.background import Background
from ai_pal.gateway.openai.responses.kept import Kept, Response
from ai_pal.gateway.openai.responses.underway import LOST, MOST, News, Underway
from ai_pal.protocol import client as wire

ASKED = {"background": True}


class Answer:
    """An answer that says a word, and ends when it is told to."""

    def __init__(self) -> None:
        self.over = self.cancelled = False
        self.ends = asyncio.Event()
        self._events: list[list[wire.AnyEvent]] = [[wire.Delta(1, 0, 1, "word")], [wire.Done(1)]]

    async def batch(self) -> list[wire.AnyEvent]:
        if len(self._events) == 1:
            await self.ends.wait()
            self.over = True
        return self._events.pop(0)

    def nudge(self) -> None:
        raise AssertionError("nobody waits for a sign of life")

    def cancel(self) -> None:
        self.cancelled = True

    async def aclose(self) -> None:
        self.cancel()

    async def answer(self) -> Any:
        raise AssertionError("nobody asks for the whole")


class World:
    """Two processes."""

    def __init__(self, folder: Path) -> None:
        self.time = 1000.0
        self.kepts = [Kept(folder / "responses.db", 100.0, now=lambda: self.time) for _ in range(2)]
        self.underways = [Underway(kept) for kept in self.kepts]
        self.first, self.second = map(Background, self.underways)

    def start(self, name: str, answer: Answer, owner: str = "me") -> None:
        def keep(response: dict[str, Any], _: object) -> None:
            self.kepts[0].put(Response(response, [], ()), owner)

        self.first.start(name, owner, lambda: answer, ResponseStream(name, "m", ASKED, Wishes(), keep))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for kept in world.kepts:
        kept.close()


async def followed(background: Background, name: str, after: int = -1) -> bytes:
    found = await background.get(name, "me")
    assert found is not None
    stream, read = found.follow(after), b""
    while not stream.over:
        read += b"".join(await stream.batch())
    return read


def test_another_process_follows_it_and_has_it_from_any_event_on(world: World) -> None:
    async def play() -> None:
        answer = Answer()
        world.start("resp_a", answer)
        here = asyncio.create_task(followed(world.first, "resp_a"))
        there = asyncio.create_task(followed(world.second, "resp_a"))
        await asyncio.sleep(0)
        answer.ends.set()
        assert await here == await there
        assert b"response.completed" in await there
        behind = await followed(world.second, "resp_a", 1)
        assert (await there).endswith(behind)
        assert behind.count(b"\n\n") == (await there).count(b"\n\n") - 2
        found = await world.second.get("resp_a", "me")
        assert found is not None
        assert found.response["status"] == "completed"

    asyncio.run(play())


def test_who_follows_hears_events_where_all_is_silent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """To clients that wait for events, comments are none."""
    monkeypatch.setattr(sending, "ALIVE", 0.01)

    class Silent(Answer):
        def __init__(self) -> None:
            super().__init__()
            self.nudges, self.nudged = 0, asyncio.Event()

        async def batch(self) -> list[wire.AnyEvent]:
            if self.nudges < 2:
                await self.nudged.wait()
                self.nudged.clear()
                return []
            return await super().batch()

        def nudge(self) -> None:
            self.nudges += 1
            self.nudged.set()

    async def play() -> None:
        answer = Silent()
        answer.ends.set()
        world.start("resp_a", answer)
        for background in (world.first, world.second):
            lines = (await followed(background, "resp_a")).decode().splitlines()
            events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
            assert [event["sequence_number"] for event in events] == list(range(len(events)))
            names = [event["type"].removeprefix("response.") for event in events]
            assert names[:5] == ["created", "queued", "queued", "queued", "in_progress"]

    asyncio.run(play())


def test_who_asks_for_events_that_are_still_to_come_waits_for_them(world: World) -> None:
    async def play() -> None:
        answer = Answer()
        world.start("resp_a", answer)
        found = await world.first.get("resp_a", "me")
        assert found is not None
        stream = found.follow(99)
        more = asyncio.create_task(stream.batch())
        for _ in range(50):
            await asyncio.sleep(0)
        assert not more.done()
        answer.ends.set()
        assert (await more, stream.over) == ([], True)

    asyncio.run(play())


def test_its_input_is_there_until_it_is_kept_with_it(world: World) -> None:
    """Once: it may be as large as a body."""
    first, second = world.underways
    first.begin("resp_a", "me", {"id": "resp_a"}, [{"id": "msg_1"}])
    for underway in world.underways:
        assert underway.items("resp_a", "me") == [{"id": "msg_1"}]
        assert underway.items("resp_a", "you") is None
    first.tell([News("resp_a", {"id": "resp_a"}, 0, [], over=False)])
    assert second.items("resp_a", "me") == [{"id": "msg_1"}]
    first.tell([News("resp_a", {"id": "resp_a"}, 0, [], over=True)])
    assert second.items("resp_a", "me") is None
    with world.kepts[0].opened() as database:
        assert database.execute("SELECT items FROM underway").fetchall() == [(b"[]",)]


def test_one_that_meets_a_fault_of_ours_has_failed(world: World) -> None:
    class Faulty(Answer):
        async def batch(self) -> list[wire.AnyEvent]:
            raise RecursionError

    async def play() -> None:
        world.start("resp_1", Faulty())
        assert b"response.failed" in await followed(world.first, "resp_1")
        found = await world.first.get("resp_1", "me")
        assert found is not None
        assert found.response["status"] == "failed"

    asyncio.run(play())


def test_another_process_stops_it(world: World) -> None:
    async def play() -> None:
        answer = Answer()
        world.start("resp_a", answer)
        found = await world.second.get("resp_a", "me")
        assert found is not None
        await found.cancel()
        assert (found.response["status"], answer.cancelled) == ("cancelled", True)
        assert world.kepts[1].get("resp_a", "me").response["status"] == "cancelled"

    asyncio.run(play())


def test_it_is_there_for_its_owner_alone(world: World) -> None:
    async def play() -> None:
        answer = Answer()
        world.start("resp_a", answer)
        for background in (world.first, world.second):
            assert await background.get("resp_a", "you") is None
            assert await background.get("resp_a", "") is None
            assert await background.get("resp_a", "me") is not None
        answer.ends.set()
        await followed(world.first, "resp_a")
        for kept in world.kepts:
            with pytest.raises(AiPalError):
                kept.get("resp_a", "you")
            assert kept.item(kept.get("resp_a", "me").response["output"][0]["id"], "you") is None

    asyncio.run(play())


def test_one_whose_process_was_killed_has_failed(world: World) -> None:
    async def play() -> None:
        world.underways[0].begin("resp_a", "me", {"id": "resp_a", "status": "queued"})
        world.underways[0].tell([News("resp_a", {"id": "resp_a", "status": "in_progress"}, 0, [b"x"], False)])
        world.time += LOST
        found = await world.second.get("resp_a", "me")
        assert found is not None
        assert (found.response["status"], found.response["error"]["code"]) == ("failed", "server_error")
        await found.cancel()
        stream = found.follow(-1)
        assert await stream.batch() == [b"x"]
        with pytest.raises(AiPalError, match="has ended"):
            await stream.batch()

    asyncio.run(play())


def test_all_processes_together_have_so_many(world: World) -> None:
    for number in range(MOST):
        world.time += 0.01
        world.underways[number % 2].begin(f"resp_{number}", "", {})
    with pytest.raises(AiPalError) as caught:
        world.underways[0].begin("resp_more", "", {})
    assert caught.value.code == Code.OVERLOADED
    world.underways[0].tell([News("resp_0", {}, 0, [], True)])
    world.underways[1].begin("resp_more", "", {})
    assert world.underways[0].state("resp_0", "") is None
    assert world.underways[0].state("resp_1", "") is not None
