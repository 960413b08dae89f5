"""`LocalLLMProvider` and `DirectModelWrapper` with a real supervisor, the echo engine and the starter."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from ai_pal.client import Client
from ai_pal.client.daemon import endpoint
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.models import supervisors
from ai_pal.models.begun import begin
from ai_pal.models.failure import LocalMethodsError
from ai_pal.models.local import DirectModelWrapper, LocalLLMProvider
from ai_pal.orchestration import MultiModelOrchestrator
from ai_pal.protocol.client import StatusReply
from tests.process.eventually import eventually
from tests.process.homes import environment, listens, stop_supervisor

SECONDS = 120.0
CAPITAL = "What is the capital of France?"
ENDLESS: dict[str, Any] = {"tokens": 1_000_000, "pace": 0.01}


@pytest.fixture(autouse=True)
def home(ai_pal_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The supervisor that a test starts is stopped at its end; echo answers unless another is named."""
    monkeypatch.setenv("AI_PAL_MODEL", "echo")
    environ = environment(ai_pal_home)
    yield environ
    stop_supervisor(environ)
    supervisors.end_own()


def status(where: str = "") -> StatusReply:
    with Client(where or endpoint()) as client:
        return client.status()


def wait_until(condition: Callable[[], bool]) -> None:
    eventually(condition, within=SECONDS)


def computes() -> bool:
    return sum(worker.active + worker.queued for worker in status().workers) > 0


def clients_besides_this() -> int:
    return status().clients - 1


@pytest.mark.anyio
async def test_generate_gives_the_text() -> None:
    async with LocalLLMProvider() as provider:
        assert await provider.generate("hello world") == "hello world "


@pytest.mark.anyio
async def test_the_system_prompt_and_the_options_arrive() -> None:
    async with LocalLLMProvider() as provider:
        text = await provider.generate("a b c", model="echo", system="be brief", extra={"tokens": 2})
        answer = await provider.ask("a b c", max_tokens=1)
    assert text == "a b "
    assert (answer.text, answer.model, answer.tier, answer.finish_reason) == ("a ", "echo", 1, "length")


@pytest.mark.anyio
async def test_many_questions_at_once_over_one_connection() -> None:
    async with LocalLLMProvider() as provider:
        texts = await asyncio.gather(*(provider.generate(f"word {n}") for n in range(20)))
        assert texts == [f"word {n} " for n in range(20)]
        assert await asyncio.to_thread(clients_besides_this) == 1


@pytest.mark.anyio
async def test_streaming_gives_pieces_as_they_come() -> None:
    async with LocalLLMProvider() as provider:
        stream = provider.generate_streaming("one two", extra=ENDLESS)
        async with contextlib.aclosing(stream) as pieces:
            text = await anext(pieces) + await anext(pieces)
            assert text.startswith("one two ")
            assert not text.replace("one two ", "").replace("one ", "")
            assert await asyncio.to_thread(computes)


@pytest.mark.anyio
async def test_leaving_the_iteration_stops_the_computing() -> None:
    async with LocalLLMProvider() as provider:
        async for _ in provider.generate_streaming("one", extra=ENDLESS):
            break
        await asyncio.to_thread(wait_until, lambda: not computes())


@pytest.mark.anyio
async def test_cancelling_the_task_stops_the_computing() -> None:
    begun = asyncio.Event()

    async def read(provider: LocalLLMProvider) -> None:
        async for _ in provider.generate_streaming("one", extra=ENDLESS):
            begun.set()

    async with LocalLLMProvider() as provider:
        task = asyncio.create_task(read(provider))
        await asyncio.wait_for(begun.wait(), SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(wait_until, lambda: not computes())


@pytest.mark.anyio
async def test_a_deadline_ends_the_answer() -> None:
    async with LocalLLMProvider() as provider:
        with pytest.raises(AiPalError) as caught:
            await provider.generate("one", deadline=0.5, extra=ENDLESS)
    assert caught.value.code == Code.DEADLINE_EXCEEDED


@pytest.mark.anyio
async def test_errors_are_ours() -> None:
    async with LocalLLMProvider() as provider:
        with pytest.raises(AiPalError) as caught:
            await provider.generate("one", model="smoll")
        assert caught.value.code == Code.MODEL_NOT_FOUND
        assert await provider.generate("two") == "two "


@pytest.mark.anyio
async def test_unload_all_models_unloads_all_and_starts_nothing(home: dict[str, str]) -> None:
    async with LocalLLMProvider() as provider:
        assert await provider.unload_all_models() == []
        assert not listens(home)
        await asyncio.gather(*(provider.generate("a", model=f"echo?id={n}") for n in range(2)))
        assert sorted(await provider.unload_all_models()) == ["echo?id=0", "echo?id=1"]
        assert await provider.generate("again") == "again "


def worker_pids() -> list[int]:
    return [worker.pid for worker in status().workers if worker.pid is not None]


def test_a_plain_call_unloads_at_once_where_no_loop_runs(home: dict[str, str]) -> None:
    provider = LocalLLMProvider()
    provider.unload_all_models()
    assert not listens(home)
    asyncio.run(provider.generate("a"))
    (pid,) = worker_pids()
    provider.unload_all_models()
    assert not psutil.pid_exists(pid)
    assert asyncio.run(provider.unload_all_models()) == []  # what the call gives can be run as well


def test_a_plain_call_unloads_although_its_loop_ends_with_it() -> None:
    async def leaves() -> int:
        async with LocalLLMProvider() as provider:
            await provider.generate("a")
            (pid,) = await asyncio.to_thread(worker_pids)
            provider.unload_all_models()
            return pid

    pid = asyncio.run(leaves())
    wait_until(lambda: not psutil.pid_exists(pid))


@pytest.mark.anyio
async def test_a_plain_call_closes_the_connection() -> None:
    for face in (LocalLLMProvider(), MultiModelOrchestrator()):
        assert await face.explain("a") if isinstance(face, MultiModelOrchestrator) else await face.ask("a")
        face.aclose()
        await asyncio.to_thread(wait_until, lambda: clients_besides_this() == 0)


def test_a_connection_that_is_closed_outside_of_its_loop_is_closed() -> None:
    provider = LocalLLMProvider()
    asyncio.run(provider.generate("a"))
    asyncio.run(provider.aclose())  # type: ignore[arg-type]  # as people have it in their scripts
    provider.aclose()
    wait_until(lambda: clients_besides_this() == 0)


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The messages that are logged meanwhile."""
    kept = Kept()
    logging.getLogger().addHandler(kept)
    yield kept.messages
    logging.getLogger().removeHandler(kept)


@pytest.mark.anyio
async def test_an_unload_that_fails_is_told_although_nobody_waits(logged: list[str]) -> None:
    def fails() -> list[str]:
        raise AiPalError(Failure(Code.SUPERVISOR_LOST, "the supervisor is gone"))

    begun = begin(fails, "unload")
    with pytest.raises(AiPalError):
        await begun
    assert not logged
    begin(fails, "unload")
    await asyncio.to_thread(wait_until, lambda: logged == ["the supervisor is gone"])


@pytest.mark.anyio
async def test_a_supervisor_that_has_gone_is_started_again() -> None:
    async with LocalLLMProvider() as provider:
        await provider.generate("a")
        stop_supervisor(dict(os.environ))  # the loop stands still meanwhile, and has not noticed
        assert await provider.generate("b") == "b "


def test_each_loop_has_its_connection_and_takes_it_along() -> None:
    provider = LocalLLMProvider()
    for word in ("one", "two"):
        assert asyncio.run(provider.generate(word)) == f"{word} "
        wait_until(lambda: clients_besides_this() == 0)


def test_a_loop_that_was_only_closed_is_tidied_up_by_the_next() -> None:
    provider = LocalLLMProvider()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(provider.generate("one"))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert asyncio.run(provider.generate("two")) == "two "
    wait_until(lambda: clients_besides_this() == 0)


@pytest.mark.anyio
async def test_a_provider_that_is_dropped_closes_its_connection() -> None:
    provider = LocalLLMProvider()
    await provider.generate("one")
    del provider
    gc.collect()
    await asyncio.to_thread(wait_until, lambda: clients_besides_this() == 0)


def test_the_wrapper_answers_and_streams() -> None:
    with DirectModelWrapper() as model:
        assert model.generate("hello world") == "hello world "
        assert list(model.generate_streaming("a b", extra={"pace": 0.05})) == ["a ", "b "]
        assert model.ask("a b c", max_tokens=2).usage.completion_tokens == 2
        assert clients_besides_this() == 1
    wait_until(lambda: clients_besides_this() == 0)


@pytest.mark.anyio
async def test_texts_are_gone_on_with_and_prompts_counted_on_both_faces() -> None:
    turns = [{"role": "user", "content": "how many tokens"}]
    with DirectModelWrapper("echo") as wrapper:
        said, count = wrapper.complete("a b ", max_tokens=3), wrapper.count_tokens(turns, system="be brief")
        assert said.model == "echo"
        assert said.text
        assert count == wrapper.ask(turns, system="be brief", max_tokens=1).usage.prompt_tokens
        assert "between" in wrapper.complete("a ", " b").text
    async with LocalLLMProvider() as provider:
        assert (await provider.complete("a b ", model="echo", max_tokens=3)).text == said.text
        assert await provider.count_tokens(turns, model="echo", system="be brief") == count


@pytest.mark.anyio
async def test_the_wrapper_works_inside_a_running_loop() -> None:
    with DirectModelWrapper("echo") as model:
        assert model.generate("hello") == "hello "


def test_the_wrapper_serves_threads_side_by_side() -> None:
    meet = threading.Barrier(4)

    def read(model: DirectModelWrapper, word: str) -> str:
        stream = model.generate_streaming(word, extra={"tokens": 3})
        first = next(stream)
        meet.wait(SECONDS)  # all are in the middle of their answers
        return first + "".join(stream)

    with DirectModelWrapper("echo?slots=4") as model, ThreadPoolExecutor(4) as threads:
        words = ["a", "b", "c", "d"]
        assert list(threads.map(lambda word: read(model, word), words)) == [f"{word} " * 3 for word in words]


def test_leaving_the_wrappers_stream_stops_the_computing() -> None:
    with DirectModelWrapper() as model:
        for _ in model.generate_streaming("one", extra=ENDLESS):
            break
        wait_until(lambda: not computes())


def test_the_wrapper_survives_its_supervisor_and_unloads_only_its_model() -> None:
    with DirectModelWrapper("echo?id=1") as model, DirectModelWrapper("echo?id=2") as other:
        assert not model.unload()
        model.generate("a")
        stop_supervisor(dict(os.environ))
        assert model.generate("b") == "b "
        other.generate("c")
        assert model.unload()
        assert [w.model for w in status().workers if w.state == "ready"] == ["echo?id=2"]


@pytest.mark.real_model
@pytest.mark.anyio
async def test_the_starter_model_answers(starter_model: Path) -> None:
    async with LocalLLMProvider() as provider:
        ask = "What is the capital of France?"
        texts = await asyncio.gather(
            *(provider.generate(ask, model="smollm2", max_tokens=16, temperature=0) for _ in range(2))
        )
        stream = provider.generate_streaming(ask, model="smollm2", max_tokens=16, temperature=0)
        streamed = "".join([piece async for piece in stream])
    assert "Paris" in streamed
    assert texts == [streamed, streamed]


@pytest.mark.real_model
def test_a_cache_of_its_own_is_used(tmp_path: Path, starter_model: Path) -> None:
    (tmp_path / "smollm2").mkdir()
    (tmp_path / "smollm2" / starter_model.name).symlink_to(starter_model)
    with DirectModelWrapper("smollm2", model_cache_dir=tmp_path) as model:
        answer = model.ask("Say hello.", max_tokens=4)
        assert answer.usage.completion_tokens == 4


@pytest.mark.anyio
async def test_another_cache_gets_a_supervisor_of_its_own(tmp_path: Path) -> None:
    with DirectModelWrapper() as shared:
        shared.generate("a")
    async with LocalLLMProvider(model_cache_dir=tmp_path / "cache") as provider:
        assert await provider.unload_all_models() == []
        assert await provider.generate("b", model="echo?id=own") == "b "
        loaded = {worker.model for worker in (await asyncio.to_thread(status)).workers}
        assert "echo?id=own" not in loaded
        assert await provider.unload_all_models() == ["echo?id=own"]


def test_the_cache_of_the_running_supervisor_is_shared(ai_pal_home: Path) -> None:
    with DirectModelWrapper(model_cache_dir=os.environ["AI_PAL_MODEL_CACHE"] + "/../models") as model:
        model.generate("a")
    assert [worker.model for worker in status().workers] == ["echo"]


OWN = """
import sys, time
from ai_pal.models.local import DirectModelWrapper
from ai_pal.models import supervisors
from ai_pal.models.failure import LocalMethodsError
model = DirectModelWrapper("echo", model_cache_dir=sys.argv[1])
again = DirectModelWrapper("echo", model_cache_dir=sys.argv[1])
print(model.generate("hello") + again.generate("hello"))
[own] = supervisors._own.values()
print(own.client.welcome.pid, own.client.welcome.model_cache_dir, own.client.endpoint, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("sent", [None, signal.SIGKILL])
def test_the_own_supervisor_ends_with_the_process(tmp_path: Path, sent: signal.Signals | None) -> None:
    command = [sys.executable, "-c", OWN, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hello hello \n"
        pid, cache, where = process.stdout.readline().split()
        own = psutil.Process(int(pid))
        tree = [own, *own.children(recursive=True)]
        if sent is not None:
            process.send_signal(sent)
        process.communicate(timeout=SECONDS)
    assert cache == str(tmp_path)
    assert psutil.wait_procs(tree, timeout=SECONDS)[1] == []
    assert not Path(where.removeprefix("ipc://")).parent.exists()


@pytest.mark.anyio
async def test_switched_off_what_ollama_does_not_know_is_refused_and_nothing_starts(
    home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    off = [LocalLLMProvider(enable_direct_loading=False)]
    monkeypatch.setenv("LOCAL_DIRECT_LOADING", "false")
    off.append(LocalLLMProvider())
    for provider in off:
        with pytest.raises(AiPalError, match="direct loading is off, and Ollama has no model") as caught:
            await provider.generate("a")
        assert caught.value.code == Code.DIRECT_LOADING_OFF
        assert await provider.unload_all_models() == []
    with pytest.raises(AiPalError, match="direct loading is off"):
        DirectModelWrapper().generate("a")
    assert not listens(home)


@pytest.mark.anyio
async def test_switched_off_ollama_answers(
    home: dict[str, str], ollama_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama_url)
    async with LocalLLMProvider(enable_direct_loading=False) as provider:
        answer = await provider.ask(CAPITAL, model="ollama:smollm2", temperature=0, max_tokens=20)
    assert answer.text  # what it says is the server's: once it wrote nothing but sixes
    assert (answer.provider, answer.tier, answer.remote) == ("ollama", 2, False)


@pytest.mark.anyio
async def test_a_model_that_cannot_run_here_is_asked_of_the_ollama_at_base_url(
    ollama_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AI_PAL_MEMORY_BUDGET", "1MB")
    monkeypatch.setenv("AI_PAL_CONFIG", "")
    config = Path(os.environ["XDG_CONFIG_HOME"]) / "ai-pal" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text('[ollama.models]\nsmollm2 = "smollm2"\n')
    async with LocalLLMProvider(base_url=ollama_url) as provider:
        answer = await provider.ask(CAPITAL, model="smollm2", temperature=0, max_tokens=20)
    assert answer.provider == "ollama"
    (fallback,) = [notice for notice in answer.notices if notice.kind == "fallback"]
    assert "insufficient memory" in fallback.reason


@pytest.mark.anyio
async def test_when_nothing_helps_a_runtime_error_tells_every_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_PAL_MEMORY_BUDGET", "1MB")
    async with LocalLLMProvider(base_url="http://127.0.0.1:9") as provider:
        with pytest.raises(RuntimeError, match="All local methods failed for smollm2: ") as caught:
            await provider.generate("hello", model="smollm2")
    assert isinstance(caught.value, LocalMethodsError)
    codes = [failure.code for failure in caught.value.failures]
    assert codes == [Code.INSUFFICIENT_MEMORY, Code.PROVIDER_UNREACHABLE]
    assert caught.value.code == Code.INSUFFICIENT_MEMORY


@pytest.mark.anyio
async def test_a_cloud_is_no_model_of_this_machine() -> None:
    async with LocalLLMProvider() as provider:
        with pytest.raises(AiPalError, match="openai:gpt-4 is no model of this machine"):
            await provider.generate("hello", model="openai:gpt-4")
