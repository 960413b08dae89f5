"""Rendering elsewhere: what hangs, dies or says nonsense costs its blocks their looks, and no more."""

import asyncio
import re
import signal
import sys
from collections.abc import Awaitable, Callable

import pytest

from ai_pal.gateway.page import renderer, rendering
from ai_pal.gateway.page.rendering import Rendering

ECHO = """
import sys, json, time
for line in sys.stdin:
    number, [block, *_] = json.loads(line)
    if block == "hang": time.sleep(600)
    if block == "die": sys.exit(1)
    print("nonsense" if block == "odd" else json.dumps([number, [block.upper()]]), flush=True)
"""


def with_one(use: Callable[[Rendering], Awaitable[None]], *command: str) -> None:
    async def run() -> None:
        one = Rendering(command) if command else Rendering()
        try:
            await use(one)
        finally:
            await one.close()

    asyncio.run(run())


def test_blocks_become_html_in_their_order() -> None:
    async def use(one: Rendering) -> None:
        await one.begin()
        assert await one.html([]) == []
        found = await one.html(["*a*", "```py\nx\n```"])
        assert [re.sub("<[^>]*>", "", html).strip() for html in found] == ["a", "x"]
        assert "<em>" in found[0]

    with_one(use)


@pytest.mark.parametrize("bad", ["hang", "die", "odd"])
def test_a_renderer_that_fails_is_replaced(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if bad == "hang":
        monkeypatch.setattr(rendering, "SECONDS", 1.0)

    async def use(one: Rendering) -> None:
        assert await one.html([bad, "<b>"]) == [
            f'<pre class="plain">{bad}</pre>',
            '<pre class="plain">&lt;b&gt;</pre>',
        ]
        monkeypatch.setattr(rendering, "SECONDS", 60.0)
        assert await one.html(["well"]) == ["WELL"]

    with_one(use, sys.executable, "-c", ECHO)


def test_who_leaves_takes_no_answer_from_the_next() -> None:
    async def use(one: Rendering) -> None:
        first = asyncio.create_task(one.html(["first"]))
        while one._number == 0:  # noqa: ASYNC110 - it is on its way
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        assert await one.html(["second"]) == ["SECOND"]

    with_one(use, sys.executable, "-c", ECHO)


def test_one_that_nobody_asks_ends_by_itself_and_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "IDLE", 0.05)

    async def use(one: Rendering) -> None:
        assert await one.html(["a"]) == ["A"]
        child = one._child
        assert child is not None
        assert await asyncio.wait_for(child.wait(), 60) == 0
        assert await one.html(["b"]) == ["B"]

    with_one(use, sys.executable, "-c", ECHO)


def test_an_expression_that_never_ends_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = signal.signal(signal.SIGVTALRM, renderer._late)
    try:
        monkeypatch.setattr(renderer, "shown", lambda block: str(re.match(r"(a|a)+$", block)))
        html, took = renderer.in_time("a" * 60 + "<", 0.1)
        assert (html, took) == (f'<pre class="plain">{"a" * 60}&lt;</pre>', 0.1)
        assert renderer.in_time("a", 10.0)[0].startswith("<re.Match")
    finally:
        signal.signal(signal.SIGVTALRM, before)


def test_blocks_after_those_that_took_all_the_time_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renderer, "in_time", lambda block, seconds: ("html", 1.5))
    assert renderer._all(["a"] * 4) == ["html", "html", "html", '<pre class="plain">a</pre>']
