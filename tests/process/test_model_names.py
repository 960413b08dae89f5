"""What follows a provider's name is its model: on the command line, in Python, over IPC, in the settings."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_pal.client import Client
from ai_pal.orchestration import MultiModelOrchestrator
from tests.process.command import ai_pal
from tests.process.homes import Environ, client_endpoint
from tests.servers.loopback import Exchange, Loopback

pytestmark = pytest.mark.timeout(180)

NAMES = (
    "meta-llama/llama-3.3-70b-instruct:free",
    "models/gemini-2.0-flash",
    "/my/llms/Qwen3",
    "~a/b.gguf?c=d",
)


async def gateway(exchange: Exchange) -> None:
    """Says which model it was asked for."""
    model = json.loads(exchange.body)["model"]
    await exchange.begin("text/event-stream")
    for delta, reason in (({"role": "assistant", "content": model}, None), ({}, "stop")):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunk = {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": model,
            "choices": [choice],
        }
        await exchange.piece(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    await exchange.piece(b"data: [DONE]\n\n")
    await exchange.end()


@pytest.fixture
def tiers(home: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environ]:
    config = tmp_path / "config.toml"
    with Loopback(gateway) as server:
        config.write_text(
            f'ollama.enabled = false\n[providers.gw]\napi = "openai"\nbase_url = "{server.url}/v1"\n'
            'api_key = "of-a-test"\nmid = "m"\n'
        )
        home.pop("AI_PAL_MODEL", None)
        home["AI_PAL_CONFIG"] = str(config)
        for name, value in home.items():
            monkeypatch.setenv(name, value)
        yield home


def chat(environ: Environ, *args: str) -> dict[str, Any]:
    done = ai_pal(environ, "chat", "--json", *args, "hello")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_models_name_is_the_providers_affair_on_every_face(tiers: Environ) -> None:
    for name in NAMES:
        answer = chat(tiers, "--model", f"gw:{name}")
        assert (answer["text"], answer["provider"], answer["model"]) == (name, "gw", name)
    with Client(client_endpoint(tiers)) as client:
        assert [client.ask("hello", model=f"gw:{name}").text for name in NAMES] == list(NAMES)
        assert client.route("hello", model=f"gw:{NAMES[0]}").candidates[0].model == NAMES[0]
    routed = json.loads(ai_pal(tiers, "route", "--json", "-m", f"gw:{NAMES[2]}", "hello").stdout)
    assert routed["candidates"][0]["model"] == NAMES[2]

    async def orchestrated() -> list[str]:
        async with MultiModelOrchestrator() as router:
            return [(await router.route_request("hello", model=f"gw:{name}")).text for name in NAMES]

    assert asyncio.run(orchestrated()) == list(NAMES)


def test_it_is_that_in_the_settings_too(tiers: Environ) -> None:
    config = Path(tiers["AI_PAL_CONFIG"])
    config.write_text(f'model = "gw:{NAMES[0]}"\n{config.read_text()}')
    assert chat(tiers)["text"] == NAMES[0]


def test_it_can_have_an_alias(tiers: Environ) -> None:
    given = ai_pal(tiers, "alias", "mine", f"gw:{NAMES[2]}")
    assert given.returncode == 0, given.stderr
    assert chat(tiers, "--model", "mine")["text"] == NAMES[2]


@pytest.mark.parametrize("command", ["load", "show", "pull", "rm"])
def test_what_is_for_models_of_this_machine_says_that_it_is_none(tiers: Environ, command: str) -> None:
    done = ai_pal(tiers, command, f"gw:{NAMES[0]}")
    assert done.returncode != 0
    assert f"gw:{NAMES[0]} is a model of gw, none of this machine" in done.stderr
