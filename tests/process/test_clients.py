"""The blocking and the async client against a real supervisor and the echo engine."""

import asyncio
import subprocess
import sys
from contextlib import aclosing

import pytest

from ai_pal.client import Answer, AsyncClient, Client
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from tests.process.eventually import eventually
from tests.process.supervised import Supervised, status_of

ENDLESS = GenerationOptions(extra={"tokens": 1_000_000, "pace": 0.01})


def words(count: int) -> GenerationOptions:
    return GenerationOptions(extra={"tokens": count})


def code_of(error: pytest.ExceptionInfo[AiPalError]) -> str:
    return error.value.code


def idle(daemon: Supervised) -> bool:
    with Client(daemon.endpoint) as client:
        status = status_of(client)
        return status is not None and not status.active and not status.queued


# -- both --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "options", "reason"),
    [("\udcff", GenerationOptions(), "not UTF-8"), ("hello", GenerationOptions(seed=10**30), "64 bits")],
)
def test_what_no_frame_can_hold_is_refused_and_the_client_stays_usable(
    daemon: Supervised, prompt: str, options: GenerationOptions, reason: str
) -> None:
    with Client(daemon.endpoint) as client:
        with pytest.raises(AiPalError, match=reason) as caught:
            client.ask(prompt, options=options)
        assert code_of(caught) == Code.BAD_REQUEST
        assert client.ask("still here").text == "still here "


def test_ask_gathers_the_answer(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        answer = client.ask([Message("system", "be brief"), Message("user", "hello world")])
    assert (answer.text, answer.model, answer.provider, answer.tier) == ("hello world ", "echo", "local", 1)
    assert (answer.finish_reason, answer.usage.completion_tokens) == ("stop", 2)


@pytest.mark.anyio
async def test_how_far_a_prompt_is_read_is_an_event_of_both_clients_and_nothing_to_an_answer(
    daemon: Supervised,
) -> None:
    slow = GenerationOptions(extra={"prefill_seconds": 2.5})
    with Client(daemon.endpoint) as client:
        answer = Answer()
        events = list(client.chat("a b c d", options=slow))
        for event in events:
            answer.take(event)
    async with AsyncClient(daemon.endpoint) as other:
        others = [event async for event in other.chat("a b c d", options=slow)]
    for heard in (events, others):
        told = [(event.done, event.total) for event in heard if isinstance(event, wire.Reading)]
        assert told == sorted(set(told))
        assert told[-1] == (4, 4)
    assert answer.text == "a b c d "


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
            await client.ask("x", options=GenerationOptions(extra={"fail_at": 0}))
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


def test_a_plain_call_loads(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        client.load("echo")
        eventually(lambda: is_ready(client))
        client.unload("echo")


@pytest.mark.anyio
async def test_plain_calls_load_and_unload_and_stop(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as other:
        async with AsyncClient(daemon.endpoint) as client:
            client.load("echo")
            await asyncio.to_thread(eventually, lambda: is_ready(other))
            client.unload()
        await asyncio.to_thread(eventually, lambda: status_of(other) is None)
        async with AsyncClient(daemon.endpoint) as client:
            client.stop()
        await asyncio.to_thread(daemon.process.wait, 60)


@pytest.mark.anyio
async def test_sampling_is_plain_keywords(daemon: Supervised) -> None:
    with Client(daemon.endpoint) as client:
        assert client.ask("a b c", max_tokens=2).text == "a b "
        assert client.ask("a b c", options=words(3), max_tokens=1).finish_reason == "length"
    async with AsyncClient(daemon.endpoint) as other:
        assert (await other.ask("a b c", max_tokens=2)).text == "a b "


def is_ready(client: Client) -> bool:
    status = status_of(client)
    return status is not None and status.state == "ready"


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
        "from ai_pal.client import Client, GenerationOptions\n"
        f"for e in Client({daemon.endpoint!r}).chat('x', options=GenerationOptions(extra={ENDLESS.extra})):\n"
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
        eventually(lambda: client.status().clients == 1)


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
