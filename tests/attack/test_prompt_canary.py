"""Private prompts with a mark in them, through faults of every tier, in every way to make them private: the
mark reaches no cloud, no proxy, no other machine, and no Ollama that passes it on.

AI_PAL_CHAOS_ROUNDS is how many prompts for each way; AI_PAL_CHAOS_SEED repeats a run."""

import os
import random
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

import psutil
import pytest

from ai_pal.client import Client
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Document, Image, Message, Text, ToolCall, ToolResult
from ai_pal.protocol.options import GenerationOptions
from tests.pictures import png
from tests.process.homes import environment
from tests.process.supervised import Supervised
from tests.servers.clouds import cohere
from tests.servers.loopback import STORED_HERE, Exchange, Loopback

CANARY = "the-prompt-canary-7be2"
MARK = (CANARY + "--").encode()
ROUNDS = int(os.environ.get("AI_PAL_CHAOS_ROUNDS", "15"))
SEED = int(os.environ.get("AI_PAL_CHAOS_SEED", random.SystemRandom().randrange(1_000_000)))

SETTINGS = ("local_only = true", 'optimization_goal = "privacy"', "")
OLLAMAS = ("near", "far")
MODELS = (
    *("", "echo", "echo?load_fail=no", "echo?load_exit=1", "no/such-model", "phi-2"),
    *("ollama:m", "ollama:m-cloud", "ollama:m:cloud", "openai:m", "anthropic:m", "cohere:command", "own:m"),
)
DEATHS: tuple[dict[str, Any], ...] = ({}, {"fail_at": 0}, {"exit_at": 0}, {"fail_at": 2}, {"exit_at": 2})
"""What becomes of the answer where this machine gives it."""

PASSED_ON = STORED_HERE | {"remote_host": "https://ollama.com:443", "remote_model": "m"}
SHOWN: tuple[object, ...] = (STORED_HERE, PASSED_ON, {}, {"error": "no"}, None)
"""What an Ollama on this machine says of its model; None is a reset."""


class Ear:
    """A server that would take any prompt, and keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""

    async def __call__(self, exchange: Exchange) -> None:
        self.heard += f"{exchange.path} {exchange.headers}".encode() + exchange.body
        await cohere.cohere(exchange)


class NearOllama:
    """An Ollama on this machine: says `shown` of its model. A prompt for one that it has is no leak; then it
    fails, so that the next one is asked."""

    def __init__(self) -> None:
        self.shown: object = STORED_HERE
        self.leaked = b""

    async def __call__(self, exchange: Exchange) -> None:
        if exchange.path == "/api/show":
            self.leaked += exchange.body
            if self.shown is None:
                exchange.reset()
            else:
                await exchange.answer_json(200, self.shown)
            return
        if self.shown is not STORED_HERE or b"cloud" in exchange.body:
            self.leaked += exchange.body
        await exchange.answer_json(500, {"error": "no"})


class Servers:
    """All that listens: `ears` must hear nothing."""

    def __init__(self, stack: ExitStack) -> None:
        self.ears = {name: Ear() for name in ("openai", "anthropic", "cohere", "own", "far", "proxy")}
        hosts = {"far": elsewhere()}
        self.at = {
            name: stack.enter_context(Loopback(ear, shows=True, host=hosts.get(name, "127.0.0.1")))
            for name, ear in self.ears.items()
        }
        self.near = NearOllama()
        self.at["near"] = stack.enter_context(Loopback(self.near, shows=True))

    def config(self, setting: str, ollama: str) -> str:
        clouds = ("openai", "anthropic", "cohere", "own")
        tables = [f"[providers.{name}]\nbase_url = '{self.at[name].url}'\nconsent = true" for name in clouds]
        tables = [table + f"\napi_key = '{cohere.KEY}'" for table in tables]
        tables[-1] += "\napi = 'openai'"
        tables.append(f"[ollama]\nmodel = 'm'\nbase_url = '{self.at[ollama].url}'")
        return "\n".join([setting, "[local]\nmodel = 'echo'", *tables])


def elsewhere() -> str:
    """An address of this machine that is none of its loopback."""
    every = [address for addresses in psutil.net_if_addrs().values() for address in addresses]
    outer = [a.address for a in every if a.family is socket.AF_INET and not a.address.startswith("127.")]
    return outer[0] if outer else "0.0.0.0"  # Linux connects it to this machine; our check does not know it


@pytest.fixture
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack)


@pytest.mark.timeout(300 + 8 * ROUNDS)
@pytest.mark.parametrize(("setting", "ollama"), list(product(SETTINGS, OLLAMAS)))
def test_a_private_prompt_leaves_in_no_way(
    setting: str, ollama: str, servers: Servers, ai_pal_home: Path
) -> None:
    print(f"AI_PAL_CHAOS_SEED={SEED}")
    dice = random.Random(f"{SEED} {setting} {ollama}")
    config = ai_pal_home / "config.toml"
    config.write_text(servers.config(setting, ollama))
    config.chmod(0o600)
    proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), servers.at["proxy"].url)
    environ = environment(ai_pal_home) | proxy | {"AI_PAL_CONFIG": str(config)}
    del environ["AI_PAL_MODEL"]
    with Supervised(environ, queue_size=2, log_level="debug") as daemon, daemon.client() as client:
        assert client.ask(CANARY, local_only=True).text.startswith(CANARY), "as long as all is well"
        for _ in range(ROUNDS):
            ask(client, servers, dice, private=bool(setting))
    assert {name: ear.heard for name, ear in servers.ears.items() if ear.heard} == {}
    assert CANARY.encode() not in servers.near.leaked
    assert b64encode(MARK) not in servers.near.leaked


def prompt(dice: random.Random) -> str | list[Message]:
    """The mark in words, in a file, in a picture within the request or in a frame behind it, in what a tool
    has said."""
    words = Text(f"{CANARY} please")
    called = Message("assistant", [ToolCall("c1", "look", f'{{"at": "{CANARY}"}}')])
    return dice.choice(
        (
            words.text,
            [Message("user", [words, Document("notes.txt", CANARY)])],
            [Message("user", [words, Image("image/png", picture(0))])],
            [Message("user", [words, Image("image/png", picture(100_000))])],
            [Message("user", "look"), called, Message("tool", [ToolResult("c1", CANARY)])],
        )
    )


def picture(size: int) -> bytes:
    """A picture that has the mark where it shows in Base64 too, and so many bytes more."""
    made = png(4, 4)
    return made + bytes(-len(made) % 3) + MARK + bytes(size)


def ask(client: Client, servers: Servers, dice: random.Random, *, private: bool) -> None:
    """One prompt, whose way is drawn. Where the settings do not make it private, it says so itself."""
    servers.near.shown = dice.choice(SHOWN)
    goals: list[wire.Goal] = ["", "privacy"] if private else ["", "cost", "latency", "quality", "balanced"]
    events = list(
        client.chat(
            prompt(dice),
            model=dice.choice(MODELS),
            goal=dice.choice(goals),
            local_only=not private or dice.random() < 0.5,
            fallback=dice.random() < 0.8,
            options=GenerationOptions(max_tokens=5, extra=dice.choice(DEATHS)),
        )
    )
    assert isinstance(events[-1], wire.Done | wire.Failed | wire.Interrupted)
    assert not [event for event in events if isinstance(event, wire.Started) and event.remote]
