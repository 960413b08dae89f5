"""Each value of each option, asked of a real supervisor over every way in: one verdict, in the same words."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from ai_pal.client import AsyncClient, Client
from ai_pal.errors import AiPalError
from ai_pal.models import DirectModelWrapper, LocalLLMProvider
from ai_pal.orchestration import MultiModelOrchestrator
from ai_pal.protocol.option_rules import RULES, objection_to_value
from ai_pal.protocol.options import GenerationOptions
from tests.option_values import VALUES, taken
from tests.process.page_client import PageClient
from tests.process.supervised import Supervised

ASKED: list[tuple[str, Any]] = [(name, value) for name, _, value in taken()]
ASKED += [
    (name, value)
    for name in RULES
    for label, value in VALUES.items()
    if label != "missing" and objection_to_value(name, value)
]
ASKED += [("extra", {"paces": 1}), ("extra", {"temprature": 1})]

UNABLE = {"logprobs", "response_format", "lora"}
"""What echo can refuse although it might be taken: probabilities, and grammars."""


def test_every_way_in_has_one_verdict(supervise: Callable[..., Supervised]) -> None:
    daemon = supervise()
    found = list(over_ipc(daemon.endpoint))
    for (name, value), said in zip(ASKED, found, strict=True):
        why = objection_to_value(name, value)
        if name == "extra" and not why:
            assert said.startswith("bad_request: the echo engine has no option")
        elif name == "parallel_tool_calls" and not why:
            assert said == "bad_request: parallel_tool_calls: there are no tools to call"
        elif why:
            assert said == f"bad_request: {why}"
        else:
            assert said == "done" or (name in UNABLE and said.startswith("unsupported")), (name, value)
    with Client(daemon.endpoint) as client, DirectModelWrapper("echo") as wrapper:
        assert plainly(lambda options: client.ask("a", model="echo", options=options)) == found
        assert plainly(lambda options: wrapper.ask("a", options=options)) == found
    assert asyncio.run(on_a_loop(daemon.endpoint)) == [found] * 3
    assert daemon.process.poll() is None


def over_ipc(where: str) -> Iterator[str]:
    with PageClient(where) as client:
        for name, value in ASKED:
            options = {name: msgspec.to_builtins(value)}
            end = client.events(client.chat("a", model="echo", options=options))[-1]
            if end["type"] == "failed":
                reason = end["reasons"][-1]
                yield f"{reason['code']}: {reason['message']}"
            else:
                yield end["type"]


def plainly(ask: Callable[[GenerationOptions], Any]) -> list[str]:
    def told(options: GenerationOptions) -> str:
        try:
            ask(options)
        except AiPalError as error:
            return f"{error.code}: {error.failure.message}"
        return "done"

    return [told(GenerationOptions(**{name: value})) for name, value in ASKED]


async def on_a_loop(where: str) -> list[list[str]]:
    async def told(ask: Callable[[GenerationOptions], Awaitable[Any]], options: GenerationOptions) -> str:
        try:
            await ask(options)
        except AiPalError as error:
            return f"{error.code}: {error.failure.message}"
        return "done"

    async with (
        AsyncClient(where) as client,
        LocalLLMProvider() as provider,
        MultiModelOrchestrator() as router,
    ):
        ways: list[Callable[[GenerationOptions], Awaitable[Any]]] = [
            lambda options: client.ask("a", model="echo", options=options),
            lambda options: provider.ask("a", model="echo", options=options),
            lambda options: router.route_request("a", model="echo", options=options),
        ]
        return [
            [await told(ask, GenerationOptions(**{name: value})) for name, value in ASKED] for ask in ways
        ]
