"""Signs of life until the first text: the events of the answer are as they were."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from ai_pal.egress.providers.answers.pieces import AnswerEvent, Finish, Waiting
from ai_pal.egress.providers.ollama.lively import lively

SHORT = 0.001


class Slow:
    """An answer that waits until it was looked at `looks` times. `closed` tells how it ended."""

    def __init__(self, looks: int, *, error: Exception | None = None) -> None:
        self.looks, self.looked, self.error = looks, 0, error
        self.enough = asyncio.Event()
        self.closed = False

    async def events(self) -> AsyncGenerator[AnswerEvent, None]:
        try:
            await self.enough.wait()
            if self.error is not None:
                raise self.error
            for event in ("a", "b", Finish("stop")):
                yield event
        finally:
            self.closed = True

    async def lives(self) -> bool:
        self.looked += 1
        if self.looked >= self.looks:
            self.enough.set()
        return self.looked % 2 == 0


def test_signs_come_before_the_answer_and_never_within_it() -> None:
    async def run() -> list[AnswerEvent]:
        slow = Slow(3)
        return [event async for event in lively(slow.events(), slow.lives, SHORT)]

    *signs, one, two, finish = asyncio.run(asyncio.wait_for(run(), 30))
    assert signs == [Waiting(lives=False), Waiting(lives=True), Waiting(lives=False)]
    assert (one, two, finish) == ("a", "b", Finish("stop"))


def test_an_error_of_the_answer_is_that_of_the_whole() -> None:
    async def run() -> None:
        slow = Slow(1, error=ValueError("no"))
        async for _ in lively(slow.events(), slow.lives, SHORT):
            pass

    with pytest.raises(ValueError, match="no"):
        asyncio.run(asyncio.wait_for(run(), 30))


def test_an_answer_of_nothing_ends() -> None:
    async def nothing() -> AsyncGenerator[AnswerEvent, None]:
        nobody: tuple[AnswerEvent, ...] = ()
        for event in nobody:
            yield event

    async def run() -> list[AnswerEvent]:
        return [event async for event in lively(nothing(), Slow(1).lives, SHORT)]

    assert asyncio.run(asyncio.wait_for(run(), 30)) == []


@pytest.mark.parametrize("way", ["cancelled", "closed"])
def test_who_gives_up_waiting_ends_the_request(way: str) -> None:
    async def run() -> Slow:
        slow = Slow(1_000_000)
        events, seen = lively(slow.events(), slow.lives, SHORT), asyncio.Event()

        async def read() -> None:
            async for _ in events:
                seen.set()

        if way == "closed":
            await anext(events)
        else:
            reading = asyncio.create_task(read())
            await seen.wait()
            reading.cancel()
            await asyncio.wait({reading})
            assert reading.cancelled()
        await events.aclose()
        return slow

    assert asyncio.run(asyncio.wait_for(run(), 30)).closed
