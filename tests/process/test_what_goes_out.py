"""A whole supervisor with clouds on loopback: who has sockets, who has keys, what never leaves."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ai_pal.client import Client
from ai_pal.client.daemon import connect
from ai_pal.config import load_settings, paths
from ai_pal.errors import Code
from ai_pal.orchestration import MultiModelOrchestrator
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.provider import Api
from tests.process.eventually import allowed, eventually
from tests.process.homes import Environ, environment
from tests.process.supervised import Supervised, gone
from tests.servers import faults
from tests.servers.clouds import cohere
from tests.servers.faults import FaultProxy
from tests.servers.loopback import Loopback

LONG = "cohere:command-a-plus-05-2026"
"""Says 64,000 tokens when asked to: five minutes, also for a machine that looks slowly."""

CANARY = "the-prompt-canary-51f0"
CONFIG_KEY, ENVIRONMENT_KEY = "sk-config-canary-5d1e77", "sk-environment-canary-90ab12"

Start = Callable[..., Supervised]


@pytest.fixture
def nurseries() -> tuple[str, ...]:
    """Processes are found as the supervisor's children, with their environment."""
    return ()


@pytest.fixture
def cloud() -> Iterator[Loopback]:
    """Cohere's API, with answers that can be watched."""
    with Loopback(cohere.watched) as server:
        yield server


@pytest.fixture
def environ(ai_pal_home: Path) -> Environ:
    return environment(ai_pal_home)


def configure(environ: Environ, **providers: dict[str, object]) -> None:
    """Write the tables `[providers.NAME]`."""
    lines = []
    for name, fields in providers.items():
        lines += [f"[providers.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in fields.items())]
    file = paths.config_file(environ)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines))
    file.chmod(0o600)


def processes(supervised: Supervised) -> tuple[list[psutil.Process], psutil.Process | None]:
    """The supervisor with its workers, and the egress process if it runs."""
    supervisor = psutil.Process(supervised.process.pid)
    others, egress = [supervisor], None
    for child in supervisor.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "ai_pal.egress" in child.cmdline():
                egress = child
            else:
                others.append(child)
    return others, egress


def test_only_the_egress_process_has_internet_sockets(
    supervise: Start, environ: Environ, cloud: Loopback
) -> None:
    """And nobody listens on one: no web page has anything to send its requests to."""
    configure(environ, cohere={"base_url": cloud.url, "api_key": cohere.KEY})
    supervised = supervise()
    with supervised.client() as client:
        client.ask("hello", model="echo")
        stream = client.chat("to be or not", model=LONG, options=GenerationOptions(max_tokens=64_000))
        pieces = (event for event in stream if isinstance(event, wire.Delta))
        for _ in range(5):
            next(pieces)
            others, egress = processes(supervised)
            assert len(others) >= 2, "the supervisor and the worker of echo"
            assert [process for process in others if process.net_connections("inet")] == []
            assert egress is not None
            sockets = egress.net_connections("inet")
            assert {socket.raddr.port for socket in sockets if socket.raddr} <= {cloud.port}
            assert not [socket for socket in sockets if socket.status == psutil.CONN_LISTEN]
        # The system's table is read piece by piece: while others come and go, a look can miss a connection.
        asks = processes(supervised)[1]
        assert asks is not None
        assert eventually(lambda: any(one.raddr for one in asks.net_connections("inet")), within=240)
        stream.cancel()


def test_a_cancel_reaches_the_cloud(supervise: Start, environ: Environ, cloud: Loopback) -> None:
    configure(environ, cohere={"base_url": cloud.url, "api_key": cohere.KEY})
    with supervise().client() as client:
        stream = client.chat("on and on", model=LONG, options=GenerationOptions(max_tokens=64_000))
        next(event for event in stream if isinstance(event, wire.Delta))
        stream.cancel()
        assert isinstance(list(stream)[-1], wire.Cancelled)
        assert cloud.abandoned.acquire(timeout=60)


def test_the_death_of_the_egress_process_interrupts_the_answer_at_once(
    supervise: Start, environ: Environ, cloud: Loopback
) -> None:
    configure(environ, cohere={"base_url": cloud.url, "api_key": cohere.KEY})
    supervised = supervise()
    with supervised.client() as client:
        stream = client.chat("on and on", model=LONG, options=GenerationOptions(max_tokens=64_000))
        next(event for event in stream if isinstance(event, wire.Delta))
        egress = processes(supervised)[1]
        assert egress is not None
        egress.kill()
        began = time.monotonic()
        end = list(stream)[-1]
        assert time.monotonic() - began < allowed(1.5)
        assert isinstance(end, wire.Interrupted)
        assert end.reason.code == Code.WORKER_DIED
        assert client.ask("again", model="cohere:command").text.startswith("again")


def test_a_stop_ends_the_egress_process_too(supervise: Start, environ: Environ, cloud: Loopback) -> None:
    configure(environ, cohere={"base_url": cloud.url, "api_key": cohere.KEY})
    supervised = supervise(drain_seconds=0.2)
    with supervised.client() as client:
        stream = client.chat("on and on", model=LONG, options=GenerationOptions(max_tokens=64_000))
        next(event for event in stream if isinstance(event, wire.Delta))
        egress = processes(supervised)[1]
        assert egress is not None
        assert supervised.terminate(within=30) == 0
        assert isinstance(list(stream)[-1], wire.Interrupted)
    assert gone(egress.pid)


@pytest.mark.parametrize(
    ("setting", "asked"), [("local_only", ""), ("", "local_only"), ("mine", ""), ("", "mine")]
)
def test_a_prompt_that_may_not_leave_reaches_no_cloud(
    supervise: Start, environ: Environ, cloud: Loopback, setting: str, asked: str
) -> None:
    """Whether it stays on this machine or on the user's own, and whoever says so."""
    configure(environ, cohere={"base_url": cloud.url, "api_key": cohere.KEY})
    supervised = supervise(**({setting: True} if setting else {}))
    how: Any = {asked: True} if asked else {}
    with supervised.client() as client:
        events = list(client.chat(CANARY, model="cohere:command", **how))
    end = events[-1]
    assert isinstance(end, wire.Failed)
    assert [reason.code for reason in end.reasons] == [Code.LOCAL_ONLY]
    assert cloud.requests == []
    assert supervised.logged("egress_started") == []


SETTINGS = ["local_only = true", 'optimization_goal = "privacy"', "mine = true"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_of_the_client_hold_with_an_older_supervisor(
    supervise: Start,
    environ: Environ,
    cloud: Loopback,
    tmp_path: Path,
    setting: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stricter side wins, for each way to ask."""
    configure(environ, cohere={"base_url": cloud.url, "api_key": cohere.KEY})
    stricter = tmp_path / "config.toml"
    stricter.write_text(f"{setting}\n")
    supervise()
    monkeypatch.setenv("AI_PAL_CONFIG", str(stricter))
    with connect(load_settings().settings) as client:
        assert isinstance(list(client.chat(CANARY, model="cohere:command"))[-1], wire.Failed)
    asked = asyncio.run(_orchestrated())
    assert [reason.code for reason in asked.reasons] == [Code.LOCAL_ONLY]
    command = [sys.executable, "-m", "ai_pal", "chat", "--model", "cohere:command", CANARY]
    private = environ | {"AI_PAL_CONFIG": str(stricter)}
    done = subprocess.run(
        command, env=private, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False
    )
    assert b"local_only" in done.stderr
    assert cloud.requests == []


async def _orchestrated() -> wire.Failed:
    async with MultiModelOrchestrator() as orchestrator:
        events = [event async for event in orchestrator.stream_request(CANARY, model="cohere:command")]
    assert isinstance(events[-1], wire.Failed)
    return events[-1]


def test_a_budget_whose_ledger_is_damaged_lets_no_prompt_out(
    supervise: Start, environ: Environ, cloud: Loopback
) -> None:
    configure(environ, cohere={"base_url": cloud.url, "api_key": cohere.KEY})
    with paths.config_file(environ).open("a") as file:
        file.write("\n[budget]\nmonth = 100.0\n")
    ledger = paths.store_file(environ)
    ledger.write_bytes(b"damaged" * 1000)
    with supervise().client() as client:
        end = list(client.chat(CANARY, model="cohere:command"))[-1]
        assert isinstance(end, wire.Failed)
        assert [reason.code for reason in end.reasons] == [Code.OVER_BUDGET]
        assert "is damaged" in end.reasons[0].message
        assert cloud.requests == []
        ledger.rename(ledger.with_suffix(".damaged"))
        assert eventually(lambda: _answered(client, "cohere:command"), within=60), "a new one begins"


def _answered(client: Client, model: str) -> bool:
    return isinstance(
        list(client.chat("a b", model=model, options=GenerationOptions(max_tokens=2)))[-1], wire.Done
    )


def test_keys_are_where_they_belong_and_nowhere_else(supervise: Start, environ: Environ) -> None:
    """Under every error, with a server that says back all it was sent."""
    with contextlib.ExitStack() as stack:
        apis: list[Api] = ["openai", "anthropic"]
        proxies = {api: stack.enter_context(FaultProxy(api)) for api in apis}
        configure(
            environ,
            openai={"base_url": f"{proxies['openai'].url}/v1", "api_key": CONFIG_KEY},
            anthropic={"base_url": proxies["anthropic"].url, "consent": True},
        )
        supervised = supervise(log_level="debug", key_anthropic=ENVIRONMENT_KEY)
        client = stack.enter_context(supervised.client())
        client.ask("hello", model="echo")
        heard = [_failed(client, f"{api}:m", proxy) for api, proxy in proxies.items()]
        assert proxies["openai"].requests
        assert proxies["anthropic"].requests
        for key in (CONFIG_KEY, ENVIRONMENT_KEY):
            assert key not in str(heard)
            _look_for(key, supervised)
    for key in (CONFIG_KEY, ENVIRONMENT_KEY):
        assert [file for file in _files(Path(environ["HOME"])) if key.encode() in file.read_bytes()] == (
            [paths.config_file(environ)] if key == CONFIG_KEY else []
        )


def _failed(client: Client, model: str, proxy: FaultProxy) -> list[wire.AnyEvent]:
    """What is heard of one request under each fault."""
    heard: list[wire.AnyEvent] = []
    reflecting = [faults.reflect(code) for code in (400, 401, 404, 429, 500)]
    for fault in (*reflecting, faults.reflect_inside, faults.reset_before):
        proxy.fault = fault
        heard += client.chat(CANARY, model=model, fallback=False)
        assert isinstance(heard[-1], wire.Failed)
    return heard


def _look_for(key: str, supervised: Supervised) -> None:
    others, egress = processes(supervised)
    assert egress is not None
    for process in (*others, egress):
        assert key not in " ".join(process.cmdline())
    workers = [process for process in others if process.pid != supervised.process.pid]
    assert workers
    for worker in workers:
        assert key not in " ".join(worker.environ().values())


def _files(folder: Path) -> list[Path]:
    found = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    return [file for file in found if file.is_file()]
