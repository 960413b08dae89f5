"""A supervisor that still speaks, or no longer does, behind a link that stands."""

import asyncio
import itertools

import pytest

from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.machines.watching import until_silent


def test_it_returns_once_no_word_comes_any_more() -> None:
    answers = itertools.count()

    async def ask() -> None:
        if next(answers) == 3:
            await asyncio.Event().wait()

    asyncio.run(asyncio.wait_for(until_silent(ask, 0.3, 0.0), 60))
    assert next(answers) == 4, "it asked as long as it was answered, and no more after that"


def test_a_connection_that_ends_is_no_silence() -> None:
    gone = Failure(Code.SUPERVISOR_LOST, "gone")

    async def ask() -> None:
        raise AiPalError(gone)

    with pytest.raises(AiPalError) as ended:
        asyncio.run(until_silent(ask))
    assert ended.value.failure == gone


def test_who_stops_watching_leaves_no_question_behind() -> None:
    cancelled = asyncio.Event()

    async def ask() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def begin_and_stop() -> None:
        watching = asyncio.create_task(until_silent(ask, 60.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        watching.cancel()
        await asyncio.wait([watching])
        async with asyncio.timeout(60):
            await cancelled.wait()

    asyncio.run(begin_and_stop())
