"""Thinking is life: what a model thinks before it answers is no silence, and is paid for."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from msgspec.structs import replace

from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.provider import Api
from ai_pal.protocol.usage import Usage
from tests.contract.bodies import bodies_of
from tests.contract.providers import APIS, scripted
from tests.egress_driver import Answer, EgressDriver
from tests.servers import forms
from tests.servers.bad_events import TYPES
from tests.servers.loopback import Exchange, Loopback

Say = Callable[[forms.Made], Awaitable[None]]
SHORT = 2.0
"""Seconds until the first text, of which thinking takes many. It thinks ten times as often, so that a machine
that is busy does not make a silence of it."""


@contextlib.contextmanager
def _serving(api: Api, script: Callable[[Say], Awaitable[None]], **timeouts: float) -> Iterator[out.Complete]:
    """What asks a server that answers by this script."""

    async def answer(exchange: Exchange) -> None:
        await exchange.begin(TYPES[api])

        async def say(made: forms.Made) -> None:
            if made:
                await exchange.piece(forms.written(api, made))

        await script(say)
        await exchange.end()

    with Loopback(answer) as server:
        yield replace(scripted(api, server.url).complete(), **timeouts)


def _served(
    egress: EgressDriver, api: Api, script: Callable[[Say], Awaitable[None]], **timeouts: float
) -> Answer:
    with _serving(api, script, **timeouts) as complete:
        return egress.ask(complete)


async def _think(api: Api, say: Say, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await say(forms.thought(api, "hm "))
        await asyncio.sleep(SHORT / 10)


def test_a_model_that_thinks_is_not_silent(egress: EgressDriver) -> None:
    """All providers at once, because it takes its time."""

    def script(api: Api) -> Callable[[Say], Awaitable[None]]:
        async def thinking(say: Say) -> None:
            await say(forms.begun(api, 5))
            await _think(api, say, 2 * SHORT)
            await say(forms.said(api, "yes"))
            await _think(api, say, 1.5 * SHORT)
            await say([*forms.said(api, " indeed"), *forms.ended(api, "stop", 5, 7)])

        return thinking

    with contextlib.ExitStack() as servers:
        asked = [
            servers.enter_context(_serving(api, script(api), first_token=SHORT, gap=SHORT)) for api in APIS
        ]
        for key in [egress.start(complete) for complete in asked]:
            answer = egress.gather(key, 40.0)
            assert answer.text == "yes indeed"
            assert [part.kind for part in answer.parts.values()] == ["reasoning", "text", "reasoning", "text"]
            assert answer.reasoning.count("hm ") >= 9
            assert not answer.thinking, "what it thinks is told itself"


def test_a_model_that_keeps_its_thoughts_to_itself_is_not_silent(egress: EgressDriver) -> None:
    hidden: forms.Made = [
        ("", {"choices": [{"delta": {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}}]})
    ]

    async def script(say: Say) -> None:
        until = time.monotonic() + 2 * SHORT
        while time.monotonic() < until:
            await say(hidden)
            await asyncio.sleep(SHORT / 10)
        await say([*forms.said("openai", "yes"), *forms.ended("openai", "stop", 5, 7)])

    answer = _served(egress, "openai", script, first_token=SHORT, gap=SHORT)
    assert (answer.text, answer.reasoning) == ("yes", "")
    assert 2 <= answer.thinking <= 3 * SHORT + 2, "about one a second"


@pytest.mark.parametrize("api", APIS)
def test_a_model_that_stops_thinking_is_silent(egress: EgressDriver, api: Api) -> None:
    async def script(say: Say) -> None:
        await say(forms.thought(api, "hm "))
        await asyncio.Event().wait()

    failure = _served(egress, api, script, first_token=0.4).failed.failure
    assert failure.code == Code.FIRST_TOKEN_TIMEOUT


@pytest.mark.parametrize("api", APIS)
def test_much_thinking_is_not_too_much_without_text(egress: EgressDriver, api: Api) -> None:
    piece = forms.written(api, forms.thought(api, "hm " * 10_000))
    rest = forms.written(api, [*forms.said(api, "yes"), *forms.ended(api, "stop", 5, 7)])
    with bodies_of(api) as server:
        answer = server.ask(egress, *[piece] * 300, rest)
    assert (answer.text, answer.done.finish_reason) == ("yes", "stop")


@pytest.mark.parametrize("api", APIS)
def test_tokens_that_all_went_into_thinking_are_told_as_length_with_their_figures(
    egress: EgressDriver, api: Api
) -> None:
    made = [*forms.begun(api, 100), *forms.thought(api, "hm"), *forms.ended(api, "length", 100, 5000)]
    with bodies_of(api) as server:
        failed = server.ask(egress, forms.written(api, made)).failed
    assert (failed.failure.code, failed.failure.retryable) == (Code.LENGTH, False)
    assert "5000 tokens" in failed.failure.message
    assert "thinking" in failed.failure.message
    assert "`max_tokens`" in failed.failure.hint
    assert failed.usage == Usage(100, 0, 5000)


@pytest.mark.parametrize("api", APIS)
def test_a_thought_without_an_answer_is_none_and_has_its_figures(egress: EgressDriver, api: Api) -> None:
    made = [*forms.begun(api, 100), *forms.thought(api, "hm"), *forms.ended(api, "stop", 100, 9)]
    with bodies_of(api) as server:
        failed = server.ask(egress, forms.written(api, made)).failed
    assert failed.failure.code == Code.EMPTY_ANSWER
    assert "thought" in failed.failure.message
    assert failed.usage == Usage(100, 0, 9)


def test_what_a_provider_told_before_an_answer_broke_off_is_passed_on(egress: EgressDriver) -> None:
    with bodies_of("anthropic") as server:
        made = [*forms.begun("anthropic", 100), *forms.said("anthropic", "yes")]
        assert server.ask(egress, forms.written("anthropic", made)).failed.usage == Usage(100)
    with bodies_of("openai") as server:
        chunk = {
            "choices": [{"delta": {"content": "yes"}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 1},
        }
        failed = server.ask(egress, forms.written("openai", [("", chunk)])).failed
        assert failed.usage == Usage(9, 0, 1)
    with bodies_of("cohere") as server:
        tokens = {"tokens": {"input_tokens": 9, "output_tokens": 1}}
        end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "usage": tokens}}
        assert server.ask(egress, forms.written("cohere", [("message-end", end)])).failed.usage == Usage(
            9, 0, 1
        )


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        ({"reasoning": "hm", "content": ""}, ""),
        ({"reasoning": {"text": "hm"}}, ""),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, ""),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "hm"}]}, ""),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, ""),
        ({"reasoning_content": "hm", "content": "yes"}, "yes"),
        ({"refusal": "I cannot say"}, "I cannot say"),
    ],
)
def test_what_openais_protocol_calls_thinking(egress: EgressDriver, delta: object, text: str) -> None:
    made: forms.Made = [("", {"choices": [{"delta": delta}]}), *forms.ended("openai", "length", 5, 7)]
    with bodies_of("openai") as server:
        answer = server.ask(egress, forms.written("openai", made))
    assert answer.text == text
    if not text:
        assert "thinking" in answer.failed.failure.message


def test_what_anthropic_keeps_to_itself_is_thought_too(egress: EgressDriver) -> None:
    block = {"type": "redacted_thinking", "data": "abc"}
    signature = {"type": "signature_delta", "signature": "abc"}
    for value in (
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": signature},
    ):
        made = [(str(value["type"]), value), *forms.ended("anthropic", "length", 5, 7)]
        with bodies_of("anthropic") as server:
            assert "thinking" in server.ask(egress, forms.written("anthropic", made)).failed.failure.message


def test_thoughts_that_are_left_out_of_the_completion_are_counted(egress: EgressDriver) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 112}
    details = {"completion_tokens_details": {"reasoning_tokens": 100}}
    made: forms.Made = [("", {"choices": [], "usage": usage | details})]
    made = [*forms.said("openai", "yes"), *forms.ended("openai", "stop", 0, 0), *made]
    with bodies_of("openai") as server:
        assert server.ask(egress, forms.written("openai", made)).done.usage == Usage(5, 0, 107)
