"""Several answers as one: their numbers, their one end, what they took together."""

import asyncio
from functools import partial
from typing import Any

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.gateway.answering.several import AT_ONCE, MOST, Answers, Several, total
from ai_pal.gateway.openai.choices import number_of
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Usage
from tests.unit.gateway.answering.test_sending import Scripted

LOST = AiPalError(Failure(Code.SUPERVISOR_LOST, "gone", retryable=True))
FULL = wire.Failed(9, [Failure(Code.OVERLOADED, "full", retryable=True)])


def said(text: str, *end: wire.AnyEvent) -> Scripted:
    return Scripted([wire.Started(9, 1, "local", "m"), wire.Delta(9, 0, 1, text)], end or [done(5)])


def done(prompt: int) -> wire.Done:
    return wire.Done(9, "stop", usage=Usage(prompt, 1, 2), cost=0.25)


def begun(script: Scripted) -> Any:
    return script


def gathered(*scripts: Scripted) -> Answers:
    async def gather() -> Answers:
        several = Several([partial(begun, script) for script in scripts], 1)
        try:
            return await several.answer()
        finally:
            await several.aclose()

    try:
        return asyncio.run(gather())
    finally:
        assert all(script.closed for script in scripts[:AT_ONCE])


def test_each_keeps_its_place_and_all_are_counted() -> None:
    answers = gathered(said("a"), said("b", done(7)))
    assert [one.text for one in answers.choices] == ["a", "b"]
    assert answers.usage == Usage(12, 2, 4)
    assert answers.cost == 0.5
    assert answers.model == "m"


def test_a_prompt_that_is_asked_twice_counts_once() -> None:
    assert total([Usage(5, 0, 1), Usage(5, 4, 2), Usage(7, 1, 3), Usage(7, 6, 4)], 2) == Usage(12, 1, 10)


@pytest.mark.parametrize("end", [FULL, LOST])
def test_the_first_that_fails_ends_all(end: Any) -> None:
    fails = Scripted(end) if end is LOST else Scripted([end])
    with pytest.raises(AiPalError, match=r"gone|full"):
        gathered(said("a"), fails, Scripted(None, None))


def test_what_came_before_a_failure_is_told_before_it() -> None:
    async def read() -> list[wire.AnyEvent]:
        several = Several([partial(begun, Scripted([wire.Delta(9, 0, 1, "a")], LOST))], 1)
        events = await several.batch()
        assert not several.over
        with pytest.raises(AiPalError, match="gone"):
            await several.batch()
        await several.aclose()
        return events

    assert asyncio.run(read()) == [wire.Delta(0, 0, 1, "a")]


def test_who_waits_is_woken() -> None:
    async def wait() -> list[wire.AnyEvent]:
        several = Several([partial(begun, Scripted(None))], 1)
        several.nudge()
        try:
            return await several.batch()
        finally:
            await several.aclose()

    assert asyncio.run(wait()) == []


def test_only_so_many_are_under_way_together() -> None:
    open_ = most = 0

    class Counted(Scripted):
        async def batch(self) -> list[wire.AnyEvent]:
            nonlocal open_
            open_ -= int(bool(found := await super().batch()) and self.over)
            return found

    def begin(number: int) -> Any:
        nonlocal open_, most
        open_ += 1
        most = max(most, open_)
        return Counted([wire.Delta(9, 0, 1, str(number))], [done(5)])

    async def gather() -> Answers:
        return await Several([partial(begin, number) for number in range(MOST)], MOST).answer()

    answers = asyncio.run(gather())
    assert [one.text for one in answers.choices] == [str(number) for number in range(MOST)]
    assert answers.usage == Usage(5, 1, 2 * MOST)
    assert most == AT_ONCE


@pytest.mark.parametrize(("n", "prompts"), [(129, 1), (0, 1), (-1, 1), (1, 129), (13, 10)])
def test_answers_have_a_limit(n: int, prompts: int) -> None:
    with pytest.raises(AiPalError):
        number_of(n, prompts)
    assert number_of(None, 128) == 1
    assert number_of(64, 2) == 64


@pytest.mark.parametrize("begun_before", [False, True])
def test_those_called_off_before_they_began_are_cancelled(begun_before: bool) -> None:
    async def events() -> list[wire.AnyEvent]:
        scripts = [Scripted([wire.Delta(9, 0, 1, "a")], None) for _ in range(AT_ONCE + 2)]
        several = Several([partial(begun, script) for script in scripts], 1)
        found: list[wire.AnyEvent] = list(await several.batch()) if begun_before else []
        several.cancel()
        async with asyncio.timeout(60):
            while not several.over:
                found += await several.batch()
        await several.aclose()
        return found

    assert isinstance(asyncio.run(events())[-1], wire.Cancelled)
