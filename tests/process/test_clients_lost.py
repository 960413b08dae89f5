"""Both clients, and a supervisor that is gone, never was, does not answer or speaks otherwise."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from ai_pal.client import AsyncClient, Client, core
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions
from tests.process.eventually import allowed, eventually
from tests.process.supervised import Supervised

ENDLESS = GenerationOptions(extra={"tokens": 1_000_000, "pace": 0.01})


def code_of(error: pytest.ExceptionInfo[AiPalError]) -> str:
    return error.value.code


def test_a_killed_supervisor_is_lost_within_a_second(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        stream = client.chat("word", options=ENDLESS)
        while not isinstance(next(iter(stream)), wire.Delta):
            pass
        daemon.process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        with pytest.raises(AiPalError) as error:
            list(stream)
        assert code_of(error) == "supervisor_lost"
        assert time.monotonic() - killed < allowed(1)
        with pytest.raises(AiPalError):
            client.status()
        assert time.monotonic() - killed < allowed(2)


@pytest.mark.anyio
async def test_the_async_client_loses_it_alike(daemon: Supervised) -> None:
    async with AsyncClient(daemon.endpoint) as client:
        await client.load()
        killed = 0.0

        async def one(number: int) -> None:
            nonlocal killed
            async for event in client.chat("word", options=ENDLESS):
                if number == 0 and isinstance(event, wire.Delta) and not killed:
                    daemon.process.send_signal(signal.SIGKILL)
                    killed = time.monotonic()

        ends = await asyncio.gather(*map(one, range(5)), return_exceptions=True)
        assert time.monotonic() - killed < allowed(1)
        assert [e.code if isinstance(e, AiPalError) else e for e in ends] == ["supervisor_lost"] * 5
        with pytest.raises(AiPalError):
            await client.status()
        assert time.monotonic() - killed < allowed(2)


def test_the_last_words_of_a_supervisor_are_heard(supervise: Callable[..., Supervised]) -> None:
    daemon = supervise(drain_seconds=0.2)
    with Client(daemon.endpoint) as client:
        stream = client.chat("word", options=ENDLESS)
        while not isinstance(next(iter(stream)), wire.Delta):
            pass
        client.stop()
        end = list(stream)[-1]
        assert isinstance(end, wire.Interrupted)
        assert end.reason.code == "shutting_down"
        assert client.wait_gone(60)


def test_where_nobody_listens_connecting_fails_fast(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(AiPalError) as error:
        Client(f"ipc://{tmp_path}/front.sock")
    assert code_of(error) == "supervisor_unreachable"
    assert time.monotonic() - begun < allowed(0.5)


@pytest.mark.anyio
async def test_the_async_client_fails_as_fast(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(AiPalError) as error:
        async with AsyncClient(f"ipc://{tmp_path}/front.sock"):
            pass
    assert code_of(error) == "supervisor_unreachable"
    assert time.monotonic() - begun < allowed(0.5)


def test_a_stale_socket_is_as_good_as_none(daemon: Supervised) -> None:
    daemon.process.kill()
    daemon.process.wait()
    assert Path(daemon.endpoint.removeprefix("ipc://")).is_socket()
    begun = time.monotonic()
    with pytest.raises(AiPalError) as error:
        Client(daemon.endpoint)
    assert code_of(error) == "supervisor_unreachable"
    assert time.monotonic() - begun < allowed(0.5)


def test_a_supervisor_that_does_not_answer_is_given_up(daemon: Supervised) -> None:
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(AiPalError) as error:
            Client(daemon.endpoint, timeout=0.3)
        assert code_of(error) == "supervisor_silent"
        assert str(daemon.process.pid) in error.value.failure.message
    finally:
        daemon.process.send_signal(signal.SIGCONT)


SILENCE = core.SILENCE


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that ask a silent supervisor after a short time, and give it up after as much."""
    monkeypatch.setattr(core, "SILENCE", 0.4)


@pytest.mark.usefixtures("impatient")
def test_a_supervisor_that_is_stopped_in_mid_answer_is_given_up(
    daemon: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(daemon.endpoint) as client:
        stream = client.chat("word", options=ENDLESS)
        while not isinstance(next(iter(stream)), wire.Delta):
            pass
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(AiPalError) as error:
                list(stream)
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        assert code_of(error) == "supervisor_silent"
        monkeypatch.setattr(core, "SILENCE", SILENCE)  # it runs again, as fast as this machine lets it
        eventually(lambda: not any(worker.active for worker in client.status().workers))


@pytest.mark.usefixtures("impatient")
@pytest.mark.anyio
async def test_the_async_client_gives_it_up_too(daemon: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    async def listen(client: AsyncClient) -> None:
        async for event in client.chat("word", options=ENDLESS):
            if isinstance(event, wire.Delta):
                daemon.process.send_signal(signal.SIGSTOP)

    async with AsyncClient(daemon.endpoint) as client:
        try:
            with pytest.raises(AiPalError) as error:
                await listen(client)
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        assert code_of(error) == "supervisor_silent"
        monkeypatch.setattr(core, "SILENCE", SILENCE)
        assert (await client.ask("still here")).text == "still here "


@pytest.mark.anyio
async def test_a_model_that_thinks_for_long_is_waited_for(
    daemon: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "SILENCE", 1.0)  # it is asked twice meanwhile
    slow = GenerationOptions(extra={"tokens": 2, "prefill_seconds": 3.0})
    with Client(daemon.endpoint) as client:
        assert client.ask("a b", options=slow).text == "a b "
    async with AsyncClient(daemon.endpoint) as other:
        assert (await other.ask("a b", options=slow)).text == "a b "


def test_another_protocol_is_said_so(daemon: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PROTOCOL", 3)
    with pytest.raises(AiPalError) as error:
        Client(daemon.endpoint)
    assert code_of(error) == "protocol_mismatch"


@pytest.mark.anyio
async def test_the_async_client_says_so_too(daemon: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PROTOCOL", 3)
    with pytest.raises(AiPalError) as error:
        async with AsyncClient(daemon.endpoint):
            pass
    assert code_of(error) == "protocol_mismatch"


def test_events_of_a_newer_supervisor_are_passed_over(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/newer.sock"
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(endpoint)
        code = f"from ai_pal.client import Client; print(Client({endpoint!r}).ask('x').text)"
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
            identity = router.recv_multipart()[0]
            welcome = wire.Welcome(wire.PROTOCOL, "99", os.getpid())
            router.send_multipart([identity, wire.encode(welcome)])
            router.recv_multipart()
            news = b"\x82\xa4type\xa4news\xa2id\x01"
            events = [wire.Accepted(1), wire.Delta(1, 0, 1, "fine"), wire.Done(1)]
            router.send_multipart([identity, news, *map(wire.encode, events)])
            out, _ = process.communicate(timeout=120)
    assert out == b"fine\n"
