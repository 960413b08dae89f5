"""The blocking and the async client against a real supervisor and the echo engine."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest
import zmq

from ai_pal.client import AsyncClient, Client
from ai_pal.errors import AiPalError
from ai_pal.messages import client as wire
from ai_pal.messages.chat import Message, Options
from tests.process.eventually import eventually
from tests.process.homes import environment
from tests.process.supervised import Supervised, status_of

ENDLESS = Options(extra={"tokens": 1_000_000, "pace": 0.01})
SCRIPT = Path(__file__).parents[2] / "scripts" / "ipc_client.py"


def words(count: int) -> Options:
    return Options(extra={"tokens": count})


def code_of(error: pytest.ExceptionInfo[AiPalError]) -> str:
    return error.value.code


def idle(daemon: Supervised) -> bool:
    with Client(daemon.endpoint) as client:
        status = status_of(client)
        return status is not None and not status.active and not status.queued


# -- both --------------------------------------------------------------------------------------


def test_ask_gathers_the_answer(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        answer = client.ask([Message("system", "be brief"), Message("user", "hello world")])
    assert (answer.text, answer.model, answer.provider, answer.tier) == ("hello world ", "echo", "local", 1)
    assert (answer.finish_reason, answer.usage.completion_tokens) == ("stop", 2)


@pytest.mark.anyio
async def test_the_async_client_asks_alike(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        expected = client.ask("hello world")
    async with AsyncClient(daemon.endpoint) as other:
        answer = await other.ask("hello world")
        assert other.welcome.pid == daemon.process.pid
    assert (answer.text, answer.model, answer.usage) == (expected.text, expected.model, expected.usage)


def test_a_stream_ends_with_its_one_terminal_event(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        stream = client.chat("a b")
        events = list(stream)
        assert {event.id for event in events if not isinstance(event, wire.Welcome)} == {stream.id}
        assert [type(event) for event in events if isinstance(event, wire.TERMINAL)] == [wire.Done]
        assert isinstance(events[-1], wire.Done)
        assert list(stream) == []


def test_a_failure_is_raised_with_its_code_and_hint(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client, pytest.raises(AiPalError) as error:
        client.ask("x", model="smoll")
    assert code_of(error) == "model_not_found"
    assert "smollm2" in error.value.failure.hint


@pytest.mark.anyio
async def test_the_async_client_raises_alike(daemon: Supervised) -> None:
    async with AsyncClient(daemon.endpoint) as client:
        with pytest.raises(AiPalError) as error:
            await client.ask("x", options=Options(extra={"fail_at": 0}))
        assert code_of(error) == "engine_error"
        with pytest.raises(AiPalError) as error:
            await client.load("smoll")
        assert code_of(error) == "model_not_found"


def test_what_is_too_large_is_refused_before_it_is_sent(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        with pytest.raises(AiPalError) as error:
            client.ask("x" * wire.MAX_FRAME)
        assert code_of(error) == "frame_too_large"
        assert client.ask("still here").text == "still here "


def test_load_status_unload(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        events = list(client.load("echo?load_seconds=0.3", keep_alive=60))
        assert isinstance(events[-1], wire.Loaded)
        name = events[-1].model
        status = status_of(client, name)
        assert status is not None
        assert (status.state, status.keep_alive) == ("ready", 60)
        assert client.unload(name) == [name]
        assert status_of(client, name) is None


@pytest.mark.anyio
async def test_the_async_client_loads_and_unloads_alike(daemon: Supervised) -> None:
    async with AsyncClient(daemon.endpoint) as client:
        assert (await client.load()).model == "echo"
        assert [worker.state for worker in (await client.status()).workers] == ["ready"]
        assert await client.unload() == ["echo"]


# -- cancelling --------------------------------------------------------------------------------


def test_cancel_keeps_what_was_delivered_and_the_worker_goes_on(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        stream = client.chat("word", options=ENDLESS)
        events = []
        for event in stream:
            events.append(event)
            if isinstance(event, wire.Delta):
                stream.cancel()
        assert isinstance(events[-1], wire.Cancelled)
        assert client.ask("next").text == "next "


def test_closing_a_stream_stops_the_computing(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        stream = client.chat("word", options=ENDLESS)
        while not isinstance(next(iter(stream)), wire.Delta):
            pass
        stream.close()
        assert list(stream) == []
        eventually(lambda: idle(daemon))


def test_closing_the_client_stops_the_computing(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        stream = client.chat("word", options=ENDLESS)
        while not isinstance(next(iter(stream)), wire.Delta):
            pass
    eventually(lambda: idle(daemon))


def test_a_client_process_that_is_killed_stops_the_computing(daemon: Supervised) -> None:
    code = (
        "import sys; from ai_pal.client import Client; from ai_pal.messages.chat import Options\n"
        f"for e in Client({daemon.endpoint!r}).chat('x', options=Options(extra={ENDLESS.extra})):\n"
        "    print(type(e).__name__, flush=True)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        while process.stdout.readline() != b"Delta\n":
            pass
        process.kill()
    eventually(lambda: idle(daemon))


@pytest.mark.anyio
async def test_leaving_the_iteration_early_cancels(daemon: Supervised) -> None:
    async with AsyncClient(daemon.endpoint) as client:
        async with aclosing(client.chat("word", options=ENDLESS)) as events:
            async for event in events:
                if isinstance(event, wire.Delta):
                    break
        await asyncio.to_thread(eventually, lambda: idle(daemon))
        assert (await client.ask("next")).text == "next "


@pytest.mark.anyio
async def test_cancelling_the_task_cancels_the_answer(daemon: Supervised) -> None:
    async with AsyncClient(daemon.endpoint) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await client.ask("word", options=ENDLESS)
        await asyncio.to_thread(eventually, lambda: idle(daemon))


@pytest.mark.anyio
async def test_cancel_by_id_ends_as_cancelled(daemon: Supervised) -> None:
    async with AsyncClient(daemon.endpoint) as client:
        seen = []
        async for event in client.chat("word", options=ENDLESS):
            seen.append(event)
            if isinstance(event, wire.Delta):
                client.cancel(event.id)
        assert isinstance(seen[-1], wire.Cancelled)


# -- many at once ------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_many_streams_of_one_client_do_not_mix(daemon: Supervised) -> None:
    async with AsyncClient(daemon.endpoint) as client:
        await client.load()
        answers = await asyncio.gather(*(client.ask(f"w{i}", options=words(50)) for i in range(100)))
    assert [answer.text for answer in answers] == [f"w{i} " * 50 for i in range(100)]


def test_interleaved_streams_of_a_blocking_client_do_not_mix(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        list(client.load())
        streams = {name: iter(client.chat(name, options=words(20))) for name in ("a", "b", "c")}
        texts = dict.fromkeys(streams, "")
        while streams:
            for name, stream in list(streams.items()):
                event = next(stream)
                if isinstance(event, wire.Delta):
                    texts[name] += event.text
                elif isinstance(event, wire.Done):
                    del streams[name]
    assert texts == {name: f"{name} " * 20 for name in "abc"}


@pytest.mark.anyio
async def test_clients_do_not_hear_of_each_other(daemon: Supervised) -> None:
    async def one(name: str) -> str:
        async with AsyncClient(daemon.endpoint) as client:
            return (await client.ask(name, options=words(30))).text

    names = [f"w{i}" for i in range(20)]
    assert await asyncio.gather(*map(one, names)) == [f"{name} " * 30 for name in names]


def test_connections_come_and_go_in_one_process(daemon: Supervised) -> None:
    for _ in range(200):
        with Client(daemon.endpoint):
            pass
    with Client(daemon.endpoint) as client:
        assert client.status().clients == 1


@pytest.mark.anyio
async def test_other_tasks_of_the_loop_keep_running(daemon: Supervised) -> None:
    async with AsyncClient(daemon.endpoint) as client:
        await client.load()
        turns = 0

        async def spin() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        spinner = asyncio.create_task(spin())
        await client.ask("x", options=words(20_000))
        spinner.cancel()
    assert turns > 10


@pytest.mark.anyio
async def test_the_blocking_client_works_beside_a_running_loop(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        assert (await asyncio.to_thread(client.ask, "x")).text == "x "
        assert client.ask("y").text == "y "


# -- a supervisor that is not there ------------------------------------------------------------


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
        assert time.monotonic() - killed < 1
        with pytest.raises(AiPalError):
            client.status()
        assert time.monotonic() - killed < 2


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
        assert time.monotonic() - killed < 1
        assert [e.code if isinstance(e, AiPalError) else e for e in ends] == ["supervisor_lost"] * 5
        with pytest.raises(AiPalError):
            await client.status()
        assert time.monotonic() - killed < 2


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
        assert client.wait_gone(5)


def test_where_nobody_listens_connecting_fails_fast(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(AiPalError) as error:
        Client(f"ipc://{tmp_path}/front.sock")
    assert code_of(error) == "supervisor_unreachable"
    assert time.monotonic() - begun < 0.5


@pytest.mark.anyio
async def test_the_async_client_fails_as_fast(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(AiPalError) as error:
        async with AsyncClient(f"ipc://{tmp_path}/front.sock"):
            pass
    assert code_of(error) == "supervisor_unreachable"
    assert time.monotonic() - begun < 0.5


def test_a_stale_socket_is_as_good_as_none(daemon: Supervised) -> None:
    daemon.process.kill()
    daemon.process.wait()
    assert Path(daemon.endpoint.removeprefix("ipc://")).is_socket()
    begun = time.monotonic()
    with pytest.raises(AiPalError) as error:
        Client(daemon.endpoint)
    assert code_of(error) == "supervisor_unreachable"
    assert time.monotonic() - begun < 0.5


def test_a_supervisor_that_does_not_answer_is_given_up(daemon: Supervised) -> None:
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(AiPalError) as error:
            Client(daemon.endpoint, timeout=0.3)
        assert code_of(error) == "supervisor_unreachable"
    finally:
        daemon.process.send_signal(signal.SIGCONT)


# -- other versions ----------------------------------------------------------------------------


def test_another_protocol_is_said_so(daemon: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PROTOCOL", 2)
    with pytest.raises(AiPalError) as error:
        Client(daemon.endpoint)
    assert code_of(error) == "protocol_mismatch"


@pytest.mark.anyio
async def test_the_async_client_says_so_too(daemon: Supervised, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PROTOCOL", 2)
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
            out, _ = process.communicate(timeout=30)
    assert out == b"fine\n"


# -- the example -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["hello", "script"], [b"hello script ", b"(2 tokens"]),
        (["--async", "one", "two"], [b"one -> one ", b"two -> two "]),
    ],
)
def test_the_example_script_works(
    daemon: Supervised, ai_pal_home: Path, arguments: list[str], expected: list[bytes]
) -> None:
    command = [sys.executable, str(SCRIPT), *arguments]
    done = subprocess.run(command, env=environment(ai_pal_home), capture_output=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    assert all(line in done.stdout for line in expected)


def test_the_example_script_has_help() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"--async" in done.stdout
