"""An answer whose supervisor is still to be found: it waits, and gives what comes then."""

import asyncio
from typing import Any

import pytest

from ai_pal.errors import AiPalError
from ai_pal.gateway.asking.starting import Starting
from tests.unit.gateway.answering.test_sending import BEGIN, DEATH, Scripted


def test_who_waits_is_woken_and_hears_what_comes_then() -> None:
    async def play() -> tuple[Any, Any, bool]:
        found, script = asyncio.Event(), Scripted(BEGIN)

        async def opening() -> Scripted:
            await found.wait()
            return script

        starting = Starting(opening())
        asyncio.get_running_loop().call_soon(starting.nudge)
        before = await starting.batch()
        found.set()
        then = await starting.batch()
        await starting.aclose()
        return before, then, starting.over and script.closed

    assert asyncio.run(play()) == ([], BEGIN, True)


def test_one_that_cannot_be_found_is_told_and_one_that_nobody_wants_is_not_looked_for() -> None:
    async def fails() -> Scripted:
        raise DEATH

    async def play() -> None:
        starting = Starting(fails())
        with pytest.raises(AiPalError):
            await starting.batch()
        await starting.aclose()
        looking = asyncio.Event()

        async def looks() -> Scripted:
            looking.set()
            await asyncio.Event().wait()
            return Scripted()

        starting = Starting(looks())
        await looking.wait()
        await starting.aclose()
        assert not starting.over

    asyncio.run(play())
